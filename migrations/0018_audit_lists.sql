-- For every eight thousand entries and each value that can be asked for exactly, the entries that have it, as one set: what meets
-- several values is the cut of their sets. They are kept of full blocks only and never change; the entries behind them are few,
-- and the index finds those. All of it follows from the bytes and is derived from them again.

CREATE TABLE audit_lists (
    -- As in `audit_index`; nothing for the set of all entries of a block, which comes last and closes it.
    key TEXT NOT NULL,
    -- From 0 on; the first holds the entries 1 to 8000.
    block INTEGER NOT NULL,
    -- A set of 32-bit numbers, each the distance from the block's first entry (RoaringFormatSpec).
    entries BLOB NOT NULL,
    PRIMARY KEY (key, block)
) WITHOUT ROWID;

CREATE TRIGGER audit_lists_no_update BEFORE UPDATE ON audit_lists
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_lists_no_delete BEFORE DELETE ON audit_lists
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_lists_next_only BEFORE INSERT ON audit_lists
WHEN NEW.block IS NOT (
    SELECT COALESCE(MAX(block) + 1, (SELECT idx / 8000 FROM audit_base)) FROM audit_lists WHERE key = '')
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
