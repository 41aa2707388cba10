-- Accounts, roles, invitations, browser sessions, sealed secrets.

CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    -- The name in lower case: nobody shall look like somebody else.
    name_key TEXT NOT NULL UNIQUE,
    password_hash TEXT,
    role TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_sign_in INTEGER,
    failures INTEGER NOT NULL,
    locked_until INTEGER
);

CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    cluster TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, cluster)
);

CREATE INDEX user_roles_cluster ON user_roles (cluster);

CREATE TABLE invites (
    -- SHA-256 of the token; the token itself is never stored.
    token_hash BLOB PRIMARY KEY NOT NULL CHECK (length(token_hash) = 32),
    role TEXT NOT NULL,
    name TEXT,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
);

CREATE TABLE sessions (
    -- SHA-256 of the id in the browser's cookie.
    id_hash BLOB PRIMARY KEY NOT NULL CHECK (length(id_hash) = 32),
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Already sealed when they come here; the sealing key is a file outside this database.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY NOT NULL,
    sealed BLOB NOT NULL
);
