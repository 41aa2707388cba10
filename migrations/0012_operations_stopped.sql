-- An operation that is about to pause, or has paused, keeps its cluster's only place.

DROP INDEX operations_holder;
CREATE UNIQUE INDEX operations_holder ON operations (cluster) WHERE state IN ('running', 'parked', 'pausing', 'paused');
