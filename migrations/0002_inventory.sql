-- Clusters, machines, host keys, drafts.

CREATE TABLE clusters (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    phase TEXT NOT NULL,
    protected INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
);

-- Two names that differ in case only would be read as one.
CREATE UNIQUE INDEX clusters_name ON clusters (lower(name));

CREATE TABLE nodes (
    id TEXT PRIMARY KEY NOT NULL,
    cluster TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    ssh_user TEXT NOT NULL,
    name TEXT,
    -- JSON of the key that nobody has confirmed.
    offered TEXT,
    -- JSON of the log-in state.
    log_in TEXT NOT NULL,
    position INTEGER NOT NULL,
    UNIQUE (cluster, position)
);

-- The same machine under another account is the same machine.
CREATE UNIQUE INDEX nodes_address ON nodes (cluster, lower(host), port);

CREATE TABLE pins (
    node TEXT PRIMARY KEY NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    algorithm TEXT NOT NULL,
    base64 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    pinned_at INTEGER NOT NULL,
    pinned_by TEXT NOT NULL
);

-- Keys that were pinned before, oldest first by id.
CREATE TABLE pin_history (
    id INTEGER PRIMARY KEY,
    node TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    algorithm TEXT NOT NULL,
    base64 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    pinned_at INTEGER NOT NULL,
    pinned_by TEXT NOT NULL
);

CREATE INDEX pin_history_node ON pin_history (node, id);

CREATE TABLE drafts (
    cluster TEXT PRIMARY KEY NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    draft TEXT NOT NULL
);
