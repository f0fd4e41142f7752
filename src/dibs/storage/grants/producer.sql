-- producer: enqueue jobs and batches by every path, read them, watch a batch.
-- The right to update created_at is what `on conflict do update` asks for; a queue can not be renamed with it.
grant execute on function /*schema.*/clock() to /*role*/;
grant usage on sequence /*schema.*/job_id, /*schema.*/batch_id to /*role*/;
grant select on /*schema.*/migration, /*schema.*/jobs to /*role*/;
grant select, insert (name), update (created_at) on /*schema.*/queue to /*role*/;
grant select (id, queue_id, priority), insert on /*schema.*/job to /*role*/;
grant select (queue_id), insert on /*schema.*/ready to /*role*/;
grant insert on /*schema.*/scheduled to /*role*/;
grant select (asleep, queue_ids) on /*schema.*/worker to /*role*/;
grant select (batch_id) on /*schema.*/lease to /*role*/;
grant select, insert on /*schema.*/batch to /*role*/;
grant select on /*schema.*/batch_delta to /*role*/;
grant select, insert, update (until), delete on /*schema.*/batch_watch to /*role*/;
