-- rescue: take back what workers held that are gone, and forget those workers.
-- A worker is gone when its heartbeat is older than its own time-out, or when its heartbeat is older than $2 seconds
-- and the advisory lock that its process holds is free: the server frees it the moment the connection ends, so a
-- killed process is known in seconds, while one that only lost its connection has time to come back.
-- A lease whose worker is not known at all is taken back too.
-- Jobs with attempts left go back to the line with one more loss counted; the others end failed.
-- locks: workers, then leases, each in the order of ids and SKIP LOCKED: a worker with a claim under way is alive,
--   and a lease whose ending is under way is left for the next time.
-- $1 the worker that asks, $2 grace in seconds
with suspect as materialized (
  select id, hostname, pid, locked, heartbeat_at, timeout_seconds from /*schema.*/worker
  where id <> $1::bigint and heartbeat_at < /*schema.*/clock() - $2::float8 * interval '1 second'
  order by id
  for update skip locked
),
gone as materialized (
  select id, hostname, pid from suspect
  where heartbeat_at < /*schema.*/clock() - timeout_seconds * interval '1 second'
     or (locked and pg_try_advisory_xact_lock(hashtextextended('/*schema.*/worker', id)))
),
forgotten as (
  delete from /*schema.*/worker where id = any(array(select id from gone))
),
orphan as materialized (
  select l.ctid as place, l.job_id, l.worker_id, l.batch_id, l.leased_at, l.attempt, l.lost
  from /*schema.*/lease l
  where l.worker_id <> all(array(select id from /*schema.*/worker except select id from gone))
  order by l.job_id
  for update skip locked
),
released as (
  delete from /*schema.*/lease where ctid = any(array(select place from orphan))
),
judged as materialized (
  select o.*, j.queue_id, j.priority, coalesce(format('%s, process %s', g.hostname, g.pid), 'unknown') as host,
         case when exists (select from /*schema.*/cancel_request c where c.job_id = o.job_id) then 'c'
              when o.attempt >= j.max_attempts then 'f'
              else 'h' end as outcome
  from orphan o
  cross join lateral (select * from /*schema.*/job where id = o.job_id offset 0) j
  left join gone g on g.id = o.worker_id
),
recorded as (
  insert into /*schema.*/done (job_id, worker_id, started_at, finished_at, attempt, outcome)
  select job_id, worker_id, leased_at, /*schema.*/clock(), attempt, outcome::"char"
  from judged where outcome in ('c', 'f')
),
in_line as (
  insert into /*schema.*/ready (job_id, queue_id, priority, attempt, lost, batch_id)
  select job_id, queue_id, priority, attempt, lost + 1, batch_id from judged where outcome = 'h'
  returning queue_id
),
explained as (
  insert into /*schema.*/attempt_error (job_id, attempt, worker_id, occurred_at, error_type, message)
  select job_id, attempt, worker_id, /*schema.*/clock(), 'WorkerLost',
         format('worker %s (%s) was lost while it held this job', worker_id, host)
  from judged
),
counted as (
  insert into /*schema.*/batch_delta (batch_id, failed, cancelled)
  select batch_id, count(*) filter (where outcome = 'f'), count(*) filter (where outcome = 'c')
  from judged where batch_id is not null and outcome in ('c', 'f') group by batch_id
),
announced as materialized (
  select pg_notify('/*schema.*/batch', b.batch_id::text)
  from (select distinct batch_id from judged where batch_id is not null) b
  where exists (select from /*schema.*/batch_watch w where w.batch_id = b.batch_id)
),
wake as materialized (
  select pg_notify('/*schema.*/wake', string_agg(i.queue_id::text, ','))
  from (select distinct queue_id from in_line) i
  where exists (select from /*schema.*/worker w where w.asleep and i.queue_id = any(w.queue_ids))
  group by i.queue_id / 500
)
select job_id, worker_id, attempt, outcome, (select count(*) from announced) + (select count(*) from wake) as notified
from judged order by job_id;
