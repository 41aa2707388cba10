-- What the nodes of each cluster told last, checks and measured links, so that it counts on after a restart as it did before.

CREATE TABLE gathered (
    cluster TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('checks', 'links')),
    -- When the last node had answered.
    at INTEGER NOT NULL,
    -- JSON of the results with the answers that they quote.
    results TEXT NOT NULL,
    PRIMARY KEY (cluster, kind)
);
