-- The audit: chained entries, append-only.
-- Times are microseconds since 1970-01-01 UTC; ids are UUIDv7 as text.

CREATE TABLE audit (
    idx INTEGER PRIMARY KEY,
    -- Exactly the JSON that the chain covers.
    bytes BLOB NOT NULL,
    prev BLOB NOT NULL CHECK (length(prev) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    -- Everything below is derived from bytes, for search only; verification compares it with them.
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

CREATE INDEX audit_at ON audit (at, idx);
CREATE INDEX audit_code ON audit (code, idx);
CREATE INDEX audit_who ON audit (who, idx);
CREATE INDEX audit_outcome ON audit (outcome, idx);
CREATE INDEX audit_cluster ON audit (cluster, idx);
CREATE INDEX audit_node ON audit (node, idx);
CREATE INDEX audit_operation ON audit (operation, idx);
CREATE INDEX audit_risk ON audit (risk, idx);
CREATE INDEX audit_started ON audit (started) WHERE started IS NOT NULL;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

-- INSERT OR REPLACE deletes without firing the trigger above, so an index that is not the next one is refused too.
CREATE TRIGGER audit_next_only BEFORE INSERT ON audit
WHEN NEW.idx IS NOT (SELECT COALESCE(MAX(idx), 0) + 1 FROM audit)
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
