-- Operations, their steps, their journal, what they printed.

CREATE TABLE operations (
    id TEXT PRIMARY KEY NOT NULL,
    -- No foreign key: an operation outlives its cluster, as history.
    cluster TEXT NOT NULL,
    -- Exactly the JSON that the digest covers.
    plan TEXT NOT NULL,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at INTEGER NOT NULL,
    -- The word of the state, and its JSON.
    state TEXT NOT NULL,
    state_json TEXT NOT NULL,
    finished_at INTEGER
);

-- One state-changing operation per cluster.
CREATE UNIQUE INDEX operations_holder ON operations (cluster) WHERE state IN ('running', 'parked');
CREATE INDEX operations_cluster ON operations (cluster, proposed_at, id);
CREATE INDEX operations_time ON operations (proposed_at, id);

CREATE TABLE operation_steps (
    operation TEXT NOT NULL REFERENCES operations (id),
    step INTEGER NOT NULL,
    -- JSON of the status, derived from the journal.
    status TEXT NOT NULL,
    PRIMARY KEY (operation, step)
);

CREATE TABLE journal (
    operation TEXT NOT NULL REFERENCES operations (id),
    -- Grows by one per event of the operation.
    seq INTEGER NOT NULL,
    step INTEGER NOT NULL,
    -- JSON of the whole entry.
    entry TEXT NOT NULL,
    PRIMARY KEY (operation, seq)
);

CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER journal_next_only BEFORE INSERT ON journal
WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM journal WHERE operation = NEW.operation)
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TABLE operation_output (
    operation TEXT NOT NULL REFERENCES operations (id),
    seq INTEGER NOT NULL,
    step INTEGER NOT NULL,
    at INTEGER NOT NULL,
    error INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (operation, seq)
);
