-- The same answer again is one row: first seen at `at`, last seen at `last_at`, `times` in all.

ALTER TABLE evidence ADD COLUMN last_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE evidence ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
-- SHA-256 of what makes two answers the same; NULL where that is not asked.
ALTER TABLE evidence ADD COLUMN digest BLOB;
-- The operation that relied on it: such a row is never forgotten by age or size.
ALTER TABLE evidence ADD COLUMN operation TEXT;

UPDATE evidence SET last_at = at;

DROP INDEX evidence_cluster;
DROP INDEX evidence_node;
DROP INDEX evidence_age;
CREATE INDEX evidence_cluster ON evidence (cluster, last_at, id);
CREATE INDEX evidence_node ON evidence (cluster, node, last_at, id);
CREATE INDEX evidence_command ON evidence (cluster, node, command, id);
CREATE INDEX evidence_age ON evidence (last_at, id, bytes) WHERE operation IS NULL;
CREATE INDEX evidence_operation ON evidence (operation) WHERE operation IS NOT NULL;
