-- Messages on their way to places outside of the console, what is known of these places, and up to which entry of the audit
-- messages have been made.

CREATE TABLE notices (
    -- In the order in which they were made.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    -- UUID; the receiver sees it.
    id TEXT NOT NULL UNIQUE,
    place TEXT NOT NULL,
    -- JSON.
    notice TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL
);

CREATE INDEX notices_due ON notices (place, tries, number);

CREATE TABLE notice_places (
    place TEXT PRIMARY KEY NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    told INTEGER NOT NULL DEFAULT 0,
    resume_at INTEGER,
    failed_at INTEGER,
    -- JSON.
    problem TEXT,
    delivered_at INTEGER,
    given_up INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE notice_cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    entry INTEGER NOT NULL
);
