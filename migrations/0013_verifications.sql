-- The newest verification of each cluster: its report is to be had as a file after a restart, too.

CREATE TABLE verifications (
    cluster TEXT PRIMARY KEY NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    taken_by TEXT NOT NULL,
    -- JSON of the report with the answers that it quotes.
    report TEXT NOT NULL
);
