-- The chain by itself, so that an entry costs one small insert. What entries are found by is derived from the bytes a moment
-- later, and can be derived again.

CREATE TABLE audit_chain (
    idx INTEGER PRIMARY KEY,
    -- Exactly the JSON that the chain covers.
    bytes BLOB NOT NULL,
    prev BLOB NOT NULL CHECK (length(prev) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
);

INSERT INTO audit_chain (idx, bytes, prev, hash) SELECT idx, bytes, prev, hash FROM audit ORDER BY idx;

DROP TABLE audit;

ALTER TABLE audit_chain RENAME TO audit;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

-- INSERT OR REPLACE deletes without firing the trigger above, so an index that is not the next one is refused too, and so is
-- an entry that does not follow the last one.
CREATE TRIGGER audit_next_only BEFORE INSERT ON audit
WHEN NEW.idx IS NOT (SELECT COALESCE(MAX(idx), 0) + 1 FROM audit)
    OR NEW.prev IS NOT COALESCE((SELECT hash FROM audit WHERE idx = NEW.idx - 1), zeroblob(32))
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

-- What an entry is found by; verification compares it with the bytes.
CREATE TABLE audit_found (
    idx INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    who TEXT NOT NULL,
    outcome TEXT NOT NULL,
    cluster TEXT,
    node TEXT,
    operation TEXT,
    step INTEGER,
    risk TEXT,
    command TEXT,
    reason TEXT,
    exit INTEGER,
    -- The entry that this one closes.
    started INTEGER,
    -- Command, reason, names and details in lower case.
    words TEXT NOT NULL
);

CREATE INDEX audit_at ON audit_found (at, idx);
CREATE INDEX audit_code ON audit_found (code, idx);
CREATE INDEX audit_who ON audit_found (who, idx);
CREATE INDEX audit_outcome ON audit_found (outcome, idx);
CREATE INDEX audit_cluster ON audit_found (cluster, idx);
CREATE INDEX audit_node ON audit_found (node, idx);
CREATE INDEX audit_operation ON audit_found (operation, idx);
CREATE INDEX audit_risk ON audit_found (risk, idx);
CREATE INDEX audit_started ON audit_found (started) WHERE started IS NOT NULL;

-- Full text over the words; the text itself stays in the table above.
CREATE VIRTUAL TABLE audit_words USING fts5 (words, content = 'audit_found', content_rowid = 'idx', columnsize = 0);

CREATE TRIGGER audit_found_no_update BEFORE UPDATE ON audit_found
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_found_no_delete BEFORE DELETE ON audit_found
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_found_next_only BEFORE INSERT ON audit_found
WHEN NEW.idx IS NOT (SELECT COALESCE(MAX(idx), 0) + 1 FROM audit_found)
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

-- Signed statements of how long the chain was, and what its last hash was.
CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    head BLOB NOT NULL CHECK (length(head) = 32),
    at INTEGER NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    signature BLOB NOT NULL CHECK (length(signature) = 64)
);

CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only');
END;

CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only');
END;

-- Questions that a person asks again and again.
CREATE TABLE saved_filters (
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    PRIMARY KEY (user, name)
);
