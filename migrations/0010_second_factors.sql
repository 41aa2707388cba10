-- A second factor beside the password, its recovery codes, and who took one away from somebody else.

CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The shared secret of RFC 6238, already sealed when it comes here.
    sealed BLOB NOT NULL,
    begun_at INTEGER NOT NULL,
    -- NULL until a code has shown that the person's device holds the secret: until then nobody is asked for one.
    enrolled_at INTEGER,
    -- The newest time step whose code was accepted: no code of it, or of one before it, counts again.
    last_step INTEGER NOT NULL
);

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    -- HMAC-SHA-256 under a key that is made from the sealing key; the code itself is never stored.
    code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),
    used_at INTEGER,
    PRIMARY KEY (user_id, code_hash)
);

-- What a person is told until they have a second factor again, or say that they know.
CREATE TABLE second_factor_resets (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    reset_by TEXT NOT NULL,
    reset_at INTEGER NOT NULL
);
