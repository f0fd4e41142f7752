-- reader: the jobs, one by one and counted, the batches and the workers. Of the tables only what the counts take:
-- arguments and errors are read in the view alone.
grant execute on function /*schema.*/clock() to /*role*/;
grant select on /*schema.*/migration, /*schema.*/jobs, /*schema.*/queue, /*schema.*/worker to /*role*/;
grant select on /*schema.*/batch, /*schema.*/batch_delta, /*schema.*/retention to /*role*/;
grant select (id, queue_id, enqueued_at) on /*schema.*/job to /*role*/;
grant select (job_id, queue_id) on /*schema.*/ready to /*role*/;
grant select (job_id) on /*schema.*/scheduled to /*role*/;
grant select (job_id, worker_id, batch_id) on /*schema.*/lease to /*role*/;
grant select (job_id, outcome, finished_at) on /*schema.*/done to /*role*/;
