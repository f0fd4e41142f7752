-- ensure: the ids of queues by name; those that are new are made.
-- locks: a new queue's name, until the transaction ends: others that make it at the same time wait, and none else.
-- Whoever loses the race updates nothing, to be told the id; of created_at, so that nobody needs the right to rename.
-- $1 names
with new_queue as (
  insert into /*schema.*/queue as q (name)
  select n from (select distinct unnest($1::text[]) as n) w
  where not exists (select from /*schema.*/queue known where known.name = w.n)
  order by 1
  on conflict (name) do update set created_at = q.created_at
  returning q.id, q.name
)
select id, name from /*schema.*/queue where name = any($1) union all select id, name from new_queue;
