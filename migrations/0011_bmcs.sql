-- How the power of a machine is reached from outside.
CREATE TABLE bmcs (
    node TEXT PRIMARY KEY NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    -- JSON of the way, without any password.
    way TEXT NOT NULL,
    -- The password, sealed and bound to machine and way; empty for guests of a host that is reached over SSH.
    sealed BLOB,
    -- JSON of whether it was shown to belong to its machine.
    binding TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    set_by TEXT NOT NULL,
    -- JSON of the last reading.
    last TEXT
);
