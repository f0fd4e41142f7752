-- list: the workers that are registered, oldest first.
select w.id, w.hostname, w.pid, w.version, array(select q.name from /*schema.*/queue q
         where q.id = any(w.queue_ids) order by q.name),
       w.slots, (select count(*) from /*schema.*/lease l where l.worker_id = w.id), w.started_at,
       extract(epoch from /*schema.*/clock() - w.heartbeat_at)::float8, w.timeout_seconds
from /*schema.*/worker w order by w.id;
