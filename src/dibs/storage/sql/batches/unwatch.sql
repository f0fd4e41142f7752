-- unwatch: this watcher has seen enough; forgets watchers that went away without a word, too.
-- $1 batch, $2 watcher
delete from /*schema.*/batch_watch
where (batch_id = $1::bigint and watcher = $2::uuid) or until < /*schema.*/clock();
