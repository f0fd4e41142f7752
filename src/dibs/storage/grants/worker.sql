-- worker: claim and run jobs, record how they ended, and do the upkeep that workers do for all.
-- It writes no row of job: tasks that enqueue need the grants of a producer besides.
-- Where only one column may be updated that no statement updates, it is for `for update`, which asks for one.
grant execute on function /*schema.*/clock() to /*role*/;
grant usage on sequence /*schema.*/lease_token, /*schema.*/worker_id to /*role*/;
grant select on /*schema.*/migration to /*role*/;
grant select, insert (name), update (created_at) on /*schema.*/queue to /*role*/;
grant select, delete on /*schema.*/job to /*role*/;
grant select, insert, update (lost), delete on /*schema.*/ready to /*role*/;
grant select, insert, update (lost), delete on /*schema.*/scheduled to /*role*/;
grant select, insert, update (lost), delete on /*schema.*/lease to /*role*/;
grant select, insert, update (worker_id), delete on /*schema.*/done to /*role*/;
grant select (job_id), insert, delete on /*schema.*/attempt_error to /*role*/;
grant select, insert, update, delete on /*schema.*/progress to /*role*/;
grant select, insert, update (asleep, locked, heartbeat_at), delete on /*schema.*/worker to /*role*/;
grant select, update (requested_at), delete on /*schema.*/cancel_request to /*role*/;
grant select, update (succeeded, failed, cancelled), delete on /*schema.*/batch to /*role*/;
grant select, insert, delete on /*schema.*/batch_delta to /*role*/;
grant select, delete on /*schema.*/batch_watch to /*role*/;
grant select, insert, update (asked_at), delete on /*schema.*/retention to /*role*/;
grant select, update (holder, turn_until) on /*schema.*/pruner to /*role*/;
