-- Requests for the agreement of others, and what each cluster's policy changes in the shipped one.

CREATE TABLE requests (
    id TEXT PRIMARY KEY NOT NULL,
    -- No foreign key: a request outlives its cluster, as history.
    cluster TEXT NOT NULL,
    cluster_name TEXT NOT NULL,
    -- JSON of the plan or the policy, with the facts that it rests on.
    subject TEXT NOT NULL,
    digest TEXT NOT NULL,
    agreement TEXT NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    -- The word of the state, and its JSON.
    state TEXT NOT NULL,
    state_json TEXT NOT NULL,
    -- The operation that used it up.
    operation TEXT
);

-- An operation is started by one request at most.
CREATE UNIQUE INDEX requests_operation ON requests (operation) WHERE operation IS NOT NULL;
-- Nobody asks twice for the same.
CREATE UNIQUE INDEX requests_once ON requests (cluster, digest, lower(requested_by)) WHERE state IN ('waiting', 'approved', 'counting');
CREATE INDEX requests_open ON requests (cluster, state) WHERE state IN ('waiting', 'approved', 'counting');
CREATE INDEX requests_cluster ON requests (cluster, requested_at, id);
CREATE INDEX requests_time ON requests (requested_at, id);

-- What was asked for never changes under those who agree.
CREATE TRIGGER requests_frozen BEFORE UPDATE OF id, cluster, cluster_name, subject, digest, agreement, reason, requested_by, requested_at ON requests
BEGIN
    SELECT RAISE(ABORT, 'a request is frozen');
END;

CREATE TRIGGER requests_no_delete BEFORE DELETE ON requests
BEGIN
    SELECT RAISE(ABORT, 'a request is kept');
END;

-- What is over stays over, and what is used stays used for the same operation.
CREATE TRIGGER requests_over BEFORE UPDATE OF state, operation ON requests
WHEN OLD.state NOT IN ('waiting', 'approved', 'counting') AND (NEW.state IS NOT OLD.state OR NEW.operation IS NOT OLD.operation)
BEGIN
    SELECT RAISE(ABORT, 'a request that is over stays over');
END;

-- The switch "protected" is a column of clusters.
CREATE TABLE policies (
    cluster TEXT PRIMARY KEY NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    -- JSON of the lines that differ from the shipped ones.
    lines TEXT NOT NULL
);
