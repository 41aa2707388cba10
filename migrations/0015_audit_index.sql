-- What entries are found by, in one index: a value that is asked for exactly is a word of its own in `keys`, a sign that is neither
-- letter nor digit in `signs`, and what a person looks for stands in `words`. Full text goes through several lists of entries at
-- once, so that any combination is found without reading the entries that meet only a part of it. All of it follows from the
-- bytes and is derived from them again.

DROP TABLE audit_words;

DROP TABLE audit_found;

-- What no list of entries can answer.
CREATE TABLE audit_found (
    idx INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    -- The entry that this one closes.
    started INTEGER
);

-- Commands that began, and what closes them.
CREATE INDEX audit_began ON audit_found (idx) WHERE code = 'command_started';
CREATE INDEX audit_started ON audit_found (started) WHERE started IS NOT NULL;

CREATE VIRTUAL TABLE audit_index USING fts5 (keys, signs, words, content = '', columnsize = 0);

-- Pages of a kilobyte: where a rare word meets a frequent one, little is read past what is looked for.
INSERT INTO audit_index (audit_index, rank) VALUES ('pgsz', 1000);

-- The index itself, to be compared with the bytes: one row for each word of each entry.
CREATE VIRTUAL TABLE audit_terms USING fts5vocab (audit_index, instance);

-- The earliest and the latest time of every thousand entries, so that a period is found without leafing through what is newer. The
-- clock may be set back, therefore both.
CREATE TABLE audit_spans (
    -- From 0 on; the first holds the entries 1 to 1000.
    block INTEGER PRIMARY KEY,
    earliest INTEGER NOT NULL,
    latest INTEGER NOT NULL
);

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

CREATE TRIGGER audit_spans_no_update BEFORE UPDATE ON audit_spans
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_spans_no_delete BEFORE DELETE ON audit_spans
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_spans_next_only BEFORE INSERT ON audit_spans
WHEN NEW.block IS NOT (SELECT COALESCE(MAX(block), -1) + 1 FROM audit_spans)
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
