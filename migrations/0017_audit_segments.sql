-- Closed parts of the audit. Each is a database file of its own in the folder `audit` beside this one; this file goes on from
-- its last entry. Nothing is ever taken out of a table here: a part is closed by a new file that takes this one's place.

CREATE TABLE audit_segments (
    first INTEGER NOT NULL,
    last INTEGER PRIMARY KEY,
    -- The hashes before the first entry and of the last one.
    base BLOB NOT NULL CHECK (length(base) = 32),
    head BLOB NOT NULL CHECK (length(head) = 32),
    closed_at INTEGER NOT NULL,
    -- Length and SHA-256 of the file.
    bytes INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    -- Over all of that, with the key that signs checkpoints.
    key BLOB NOT NULL CHECK (length(key) = 32),
    signature BLOB NOT NULL CHECK (length(signature) = 64)
);

-- The entry that the first one of this file follows: index and hash.
CREATE VIEW audit_base AS
    SELECT COALESCE(MAX(last), 0) AS idx,
        COALESCE((SELECT head FROM audit_segments ORDER BY last DESC LIMIT 1), zeroblob(32)) AS hash
    FROM audit_segments;

CREATE TRIGGER audit_segments_no_update BEFORE UPDATE ON audit_segments
BEGIN
    SELECT RAISE(ABORT, 'closed parts of the audit are append-only');
END;

CREATE TRIGGER audit_segments_no_delete BEFORE DELETE ON audit_segments
BEGIN
    SELECT RAISE(ABORT, 'closed parts of the audit are append-only');
END;

-- Only into a file without entries, and only what follows the part before.
CREATE TRIGGER audit_segments_next_only BEFORE INSERT ON audit_segments
WHEN EXISTS (SELECT 1 FROM audit) OR EXISTS (SELECT 1 FROM audit_found) OR NEW.last < NEW.first
    OR NEW.first IS NOT (SELECT idx + 1 FROM audit_base) OR NEW.base IS NOT (SELECT hash FROM audit_base)
BEGIN
    SELECT RAISE(ABORT, 'closed parts of the audit are append-only');
END;

-- The same rules as before, from the base on instead of from nothing.

DROP TRIGGER audit_next_only;

CREATE TRIGGER audit_next_only BEFORE INSERT ON audit
WHEN NEW.idx IS NOT COALESCE((SELECT MAX(idx) FROM audit), (SELECT idx FROM audit_base)) + 1
    OR NEW.prev IS NOT COALESCE((SELECT hash FROM audit WHERE idx = NEW.idx - 1), (SELECT hash FROM audit_base))
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

DROP TRIGGER audit_found_next_only;

CREATE TRIGGER audit_found_next_only BEFORE INSERT ON audit_found
WHEN NEW.idx IS NOT COALESCE((SELECT MAX(idx) FROM audit_found), (SELECT idx FROM audit_base)) + 1
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

DROP TRIGGER audit_spans_next_only;

-- The first block of a file may have begun in the part before.
CREATE TRIGGER audit_spans_next_only BEFORE INSERT ON audit_spans
WHEN NEW.block IS NOT COALESCE((SELECT MAX(block) + 1 FROM audit_spans), (SELECT idx / 1000 FROM audit_base))
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
