-- Raw answers that a request for somebody's agreement rests on: those of the moment in which it was asked for, and those of the
-- moment in which somebody agreed. They outlive age and size, whatever becomes of the request.

-- 1 where a request relied on it; the rows that may go are found by the index alone.
ALTER TABLE evidence ADD COLUMN relied INTEGER NOT NULL DEFAULT 0;

CREATE TABLE evidence_relied (
    request TEXT NOT NULL REFERENCES requests (id),
    evidence INTEGER NOT NULL REFERENCES evidence (id) ON DELETE CASCADE,
    PRIMARY KEY (request, evidence)
);
CREATE INDEX evidence_relied_rows ON evidence_relied (evidence);

DROP INDEX evidence_age;
CREATE INDEX evidence_age ON evidence (last_at, id, bytes) WHERE operation IS NULL AND relied = 0;

-- What one person did alone and nobody has reviewed, however old it is. Inside of a text of the JSON every quote has a backslash, so
-- no comment looks like this.
CREATE INDEX requests_unreviewed ON requests (requested_at, id)
WHERE state = 'used' AND operation IS NOT NULL AND instr(state_json, '"agreed":"alone"') > 0 AND instr(state_json, '"review":null') > 0;
