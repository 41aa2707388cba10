-- Raw outputs behind what was shown; the only table that forgets by age and size.

CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    cluster TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    -- The node's label.
    node TEXT NOT NULL,
    command TEXT NOT NULL,
    exit INTEGER,
    at INTEGER NOT NULL,
    millis INTEGER NOT NULL,
    -- JSON of the lines.
    lines TEXT NOT NULL,
    cut INTEGER NOT NULL,
    -- What the row counts towards the size limit.
    bytes INTEGER NOT NULL
);

CREATE INDEX evidence_cluster ON evidence (cluster, at, id);
CREATE INDEX evidence_node ON evidence (cluster, node, at, id);
CREATE INDEX evidence_age ON evidence (at, id, bytes);
