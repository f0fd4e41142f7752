-- watch: for $3 seconds, changes of the batch are announced for this watcher.
-- $1 batch, $2 watcher
insert into /*schema.*/batch_watch (batch_id, watcher, until)
values ($1::bigint, $2::uuid, /*schema.*/clock() + $3::float8 * interval '1 second')
on conflict (batch_id, watcher) do update set until = excluded.until;
