-- enqueue: write jobs and put each in line, or on the schedule when its time has not come.
-- returns: the ids, in the order of the input arrays.
-- locks: none that another enqueue waits for, but for the very first job of a queue (its row is made here).
-- wake: one notification, and only for queues that a sleeping worker serves. NOTIFY takes a lock on the whole cluster
--   until the commit is flushed, so under load there must be none. (More than one where queues have ids of 500 and
--   more apart: a notification holds 8,000 bytes.)
-- JSON comes as text: a borrowed connection may have a codec of its own, which would encode it once more.
-- $1 tasks, $2 arguments, $3 queue names, $4 priorities, $5 maximum attempts, $6 time limits in seconds,
-- $7 retry policies, $8 times to run at, $9 delays in seconds, $10 batches, $11 tags joined by U+001F
with input as materialized (
  select nextval('/*schema.*/job_id') as id, i.*
  from unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::smallint[], $6::float8[],
              $7::text[], $8::timestamptz[], $9::float8[], $10::bigint[], $11::text[])
    as i(task, args, queue, priority, max_attempts, timeout_seconds, retry, run_at, delay_seconds, batch_id, tags)
),
new_queue as (
  -- "do update" rather than "do nothing", so that a row another transaction made a moment ago comes back too
  insert into /*schema.*/queue (name)
  select distinct i.queue from input i
  where not exists (select from /*schema.*/queue q where q.name = i.queue)
  order by 1
  on conflict (name) do update set name = excluded.name
  returning id, name
),
placed as materialized (
  select i.*, q.id as queue_id,
         case when coalesce(i.run_at, (select /*schema.*/clock()) + i.delay_seconds * interval '1 second') > (select /*schema.*/clock())
              then coalesce(i.run_at, (select /*schema.*/clock()) + i.delay_seconds * interval '1 second') end as due_at
  from input i
  join (select id, name from /*schema.*/queue union all select id, name from new_queue) q on q.name = i.queue
),
written as (
  insert into /*schema.*/job (id, queue_id, priority, max_attempts, batch_id, enqueued_at, timeout_seconds,
                              task, args, retry, tags)
  select id, queue_id, priority, max_attempts, batch_id, (select /*schema.*/clock()), timeout_seconds,
         task, args::json, retry::json, string_to_array(tags, e'\x1f')
  from placed
),
in_line as (
  insert into /*schema.*/ready (job_id, queue_id, priority, attempt, lost, batch_id)
  select id, queue_id, priority, 0, 0, batch_id from placed where due_at is null
),
later as (
  insert into /*schema.*/scheduled (job_id, run_at, attempt, lost, reason)
  select id, due_at, 0, 0, 'delay' from placed where due_at is not null
),
wake as materialized (
  select pg_notify('/*schema.*/wake', string_agg(p.queue_id::text, ','))
  from (select distinct queue_id from placed where due_at is null) p
  where exists (select from /*schema.*/worker w where w.asleep and p.queue_id = any(w.queue_ids))
  group by p.queue_id / 500
)
select id, (select count(*) from wake) as woken from input order by id;
