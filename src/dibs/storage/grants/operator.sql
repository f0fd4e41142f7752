-- operator: cancel, retry and prune jobs, and set how long they are kept. Added to what a reader may.
-- Where only one column may be updated that no statement updates, it is for `for update`, which asks for one.
grant select, delete on /*schema.*/job to /*role*/;
grant select, insert, update (lost), delete on /*schema.*/ready to /*role*/;
grant select, update (lost), delete on /*schema.*/scheduled to /*role*/;
grant select on /*schema.*/lease to /*role*/;
grant select, insert, update (worker_id), delete on /*schema.*/done to /*role*/;
grant select, insert, delete on /*schema.*/cancel_request to /*role*/;
grant select (job_id), delete on /*schema.*/attempt_error to /*role*/;
grant select (job_id), delete on /*schema.*/progress to /*role*/;
grant update (name), delete on /*schema.*/batch to /*role*/;
grant insert, delete on /*schema.*/batch_delta to /*role*/;
grant select on /*schema.*/batch_watch to /*role*/;
grant insert, update (asked_at), delete on /*schema.*/retention to /*role*/;
grant select, update (holder, turn_until) on /*schema.*/pruner to /*role*/;
