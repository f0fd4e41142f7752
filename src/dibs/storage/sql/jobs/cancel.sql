-- cancel: end jobs that wait, and ask the workers of those that run to stop them.
-- locks: in the order of job ids.  A job that is being claimed at this moment shows up nowhere; the caller asks again.
-- returns: (job id, 'cancelled' or 'requested') for each job that was found waiting or running.
-- $1 job ids, $2 whether only those that a standing wish asks to cancel: a retry meanwhile was the newer wish
with wanted as materialized (
  select id, queue_id, priority, batch_id from /*schema.*/job
  where id = any($1::bigint[])
    and (not $2::boolean or exists (select from /*schema.*/cancel_request c where c.job_id = id offset 0))
  order by id
),
waiting as materialized (
  select w.id, r.place, r.attempt from wanted w
  cross join lateral (
    select ctid as place, attempt from /*schema.*/ready
    where queue_id = w.queue_id and priority = w.priority and job_id = w.id for update
  ) r
),
left_line as (
  delete from /*schema.*/ready where ctid = any(array(select place from waiting)) returning job_id, attempt
),
later as materialized (
  select ctid as place from /*schema.*/scheduled
  where job_id = any(array(select id from wanted)) order by job_id for update
),
left_schedule as (
  delete from /*schema.*/scheduled where ctid = any(array(select place from later)) returning job_id, attempt
),
ended as materialized (
  select job_id, attempt from left_line union all select job_id, attempt from left_schedule
),
recorded as (
  insert into /*schema.*/done (job_id, finished_at, attempt, outcome)
  select job_id, /*schema.*/clock(), attempt, 'c' from ended
),
counted as (
  insert into /*schema.*/batch_delta (batch_id, cancelled)
  select w.batch_id, count(*) from ended e join wanted w on w.id = e.job_id
  where w.batch_id is not null group by w.batch_id
),
running as materialized (
  select job_id, worker_id from /*schema.*/lease where job_id = any(array(select id from wanted))
),
requested as (
  insert into /*schema.*/cancel_request (job_id, requested_at)
  select job_id, /*schema.*/clock() from running order by job_id
  on conflict (job_id) do nothing
),
told as materialized (
  -- in parts, because a notification holds 8,000 bytes
  select pg_notify('/*schema.*/cancel', string_agg(job_id::text, ','))
  from (select job_id, worker_id, row_number() over (order by job_id) / 300 as part from running) r
  group by worker_id, part
),
announced as materialized (
  select pg_notify('/*schema.*/batch', b.batch_id::text)
  from (select distinct w.batch_id from ended e join wanted w on w.id = e.job_id where w.batch_id is not null) b
  where exists (select from /*schema.*/batch_watch w where w.batch_id = b.batch_id)
)
select job_id, 'cancelled', (select count(*) from announced) from ended
union all
select job_id, 'requested', (select count(*) from told) from running
order by 1;
