-- wake: tell workers that sleep on these queues that something was put in line.
-- $1 queue ids
select pg_notify('/*schema.*/wake', string_agg(i.queue_id::text, ','))
from (select distinct unnest($1::integer[]) as queue_id) i
where exists (select from /*schema.*/worker w where w.asleep and i.queue_id = any(w.queue_ids))
group by i.queue_id / 500;
