-- enqueue: write jobs and put each in line, or on the schedule when its time has not come.
-- returns: the ids, in the order of the input arrays, or no row: a queue is new, and nothing was written.
-- locks: none that another enqueue waits for.
-- wake: one notification, and only for queues that a sleeping worker serves. NOTIFY takes a lock on the whole cluster
--   until the commit is flushed, so under load there must be none. (More than one where queues have ids of 500 and
--   more apart: a notification holds 8,000 bytes.)
-- JSON comes as text: a borrowed connection may have a codec of its own, which would encode it once more.
-- $1 tasks, $2 arguments, $3 queues (by their place in $12), $4 priorities, $5 maximum attempts, $6 time limits in
-- seconds, $7 retry policies, $8 times to run at, $9 delays in seconds, $10 batches, $11 tags joined by U+001F,
-- $12 queue names
with known as materialized (
  select array(select (select id from /*schema.*/queue where name = n.name)
               from unnest($12::text[]) with ordinality as n(name, nth) order by n.nth) as ids
),
input as materialized (
  select nextval('/*schema.*/job_id') as id, k.ids[i.queue] as queue_id, i.*,
         coalesce(i.run_at, (select /*schema.*/clock()) + i.delay_seconds * interval '1 second') as due_at
  from known k
  cross join unnest($1::text[], $2::text[], $3::integer[], $4::smallint[], $5::smallint[], $6::float8[],
                    $7::text[], $8::timestamptz[], $9::float8[], $10::bigint[], $11::text[])
    as i(task, args, queue, priority, max_attempts, timeout_seconds, retry, run_at, delay_seconds, batch_id, tags)
  where array_position(k.ids, null) is null
),
written as (
  insert into /*schema.*/job (id, queue_id, priority, max_attempts, batch_id, enqueued_at, timeout_seconds,
                              task, args, retry, tags)
  select id, queue_id, priority, max_attempts, batch_id, (select /*schema.*/clock()), timeout_seconds,
         task, args::json, retry::json, string_to_array(tags, e'\x1f')
  from input
),
in_line as (
  insert into /*schema.*/ready (job_id, queue_id, priority, attempt, lost, batch_id)
  select id, queue_id, priority, 0, 0, batch_id from input
  where due_at is null or due_at <= (select /*schema.*/clock())
  returning queue_id
),
later as (
  insert into /*schema.*/scheduled (job_id, run_at, attempt, lost, reason)
  select id, due_at, 0, 0, 'delay' from input where due_at > (select /*schema.*/clock())
),
wake as materialized (
  select pg_notify('/*schema.*/wake', string_agg(p.queue_id::text, ','))
  from (select distinct queue_id from in_line) p
  where exists (select from /*schema.*/worker w where w.asleep and p.queue_id = any(w.queue_ids))
  group by p.queue_id / 500
)
select id, (select count(*) from wake) as woken from input order by id;
