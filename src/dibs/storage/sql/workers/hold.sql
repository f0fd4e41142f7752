-- hold: take the advisory lock that tells the worker's process is there; it is free once this connection ends.
-- $1 worker
select pg_try_advisory_lock(hashtextextended('/*schema.*/worker', $1::bigint));
