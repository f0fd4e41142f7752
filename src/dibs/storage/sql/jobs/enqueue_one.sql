-- enqueue_one: write one job that is due at once; the same as enqueue.sql, at the price of bare inserts.
-- returns: its id, or no row: its queue is new, and nothing was written.
-- wake, and why JSON comes as text: see enqueue.sql.
-- $1 task, $2 arguments, $3 queue name, $4 priority, $5 maximum attempts, $6 time limit in seconds, $7 retry policy,
-- $8 tags joined by U+001F
with written as (
  insert into /*schema.*/job (queue_id, priority, max_attempts, enqueued_at, timeout_seconds, task, args, retry, tags)
  select q.id, $4::smallint, $5::smallint, /*schema.*/clock(), $6::float8, $1::text, $2::text::json, $7::text::json,
         string_to_array($8::text, e'\x1f')
  from /*schema.*/queue q where q.name = $3::text
  returning id, queue_id, priority
),
in_line as (
  insert into /*schema.*/ready (job_id, queue_id, priority, attempt, lost)
  select id, queue_id, priority, 0, 0 from written
),
wake as materialized (
  select pg_notify('/*schema.*/wake', w.queue_id::text) from written w
  where exists (select from /*schema.*/worker where asleep and w.queue_id = any(queue_ids))
)
select id, (select count(*) from wake) as woken from written;
