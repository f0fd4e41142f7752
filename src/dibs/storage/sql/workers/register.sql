-- register: a new worker; every registration gets an id of its own, never used again.
-- One that is going to hold its advisory lock counts as holding it from the start, so that one that dies young is found as
-- fast as an old one.
-- $1 host, $2 process id, $3 version, $4 queue ids, $5 slots, $6 time-out of its heartbeat in seconds, $7 whether it is
insert into /*schema.*/worker (hostname, pid, version, queue_ids, slots, locked, timeout_seconds, started_at,
                               heartbeat_at)
values ($1::text, $2::integer, $3::text, $4::integer[], $5::integer, $7::boolean, $6::float8,
        /*schema.*/clock(), /*schema.*/clock())
returning id;
