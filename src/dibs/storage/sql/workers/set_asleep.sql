-- set_asleep: from now on, enqueueing to the worker's queues sends it a notification, or does not.
-- $1 worker, $2 asleep
update /*schema.*/worker set asleep = $2::boolean where id = $1::bigint;
