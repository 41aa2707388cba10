-- The key that was pinned to a machine which was taken off the list, by its address. A machine that is added there again has a
-- changed key if it shows another one, not an unknown one.
CREATE TABLE forgotten_pins (
    cluster TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    -- In lower case.
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    algorithm TEXT NOT NULL,
    base64 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    pinned_at INTEGER NOT NULL,
    pinned_by TEXT NOT NULL,
    PRIMARY KEY (cluster, host, port)
);
