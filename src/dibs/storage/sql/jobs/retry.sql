-- retry: put failed and cancelled jobs in line again, and scheduled ones in line now.
-- The attempt counter is kept, so a dead letter gets one more try for each time it is retried. The newer wish counts:
-- an older one to cancel the job is forgotten.
-- locks: in the order of job ids.
-- plan: each job is looked up once, by its id. A second look, for its batch, tempted the planner to read all batches.
-- returns: the ids that were put in line.
-- $1 job ids
with ended as materialized (
  select ctid as place, job_id, attempt, outcome from /*schema.*/done
  where job_id = any($1::bigint[]) and outcome in ('f', 'c') order by job_id for update
),
revived as (
  delete from /*schema.*/done where ctid = any(array(select place from ended))
),
waiting as materialized (
  select ctid as place, job_id, attempt from /*schema.*/scheduled
  where job_id = any($1::bigint[]) order by job_id for update
),
brought_forward as (
  delete from /*schema.*/scheduled where ctid = any(array(select place from waiting))
),
moving as materialized (
  select a.job_id, a.attempt, a.outcome, j.queue_id, j.priority, j.batch_id
  from (select job_id, attempt, outcome from ended union all select job_id, attempt, null from waiting) a
  cross join lateral (select * from /*schema.*/job where id = a.job_id offset 0) j
),
in_line as (
  insert into /*schema.*/ready (job_id, queue_id, priority, attempt, lost, batch_id)
  select job_id, queue_id, priority, attempt, 0, batch_id from moving
  returning job_id, queue_id
),
no_longer_cancelled as (
  delete from /*schema.*/cancel_request where job_id = any(array(select job_id from in_line))
),
counted as (
  insert into /*schema.*/batch_delta (batch_id, failed, cancelled)
  select batch_id, -count(*) filter (where outcome = 'f'), -count(*) filter (where outcome = 'c')
  from moving where batch_id is not null and outcome is not null group by batch_id
  returning batch_id
),
announced as materialized (
  select pg_notify('/*schema.*/batch', c.batch_id::text) from counted c
  where exists (select from /*schema.*/batch_watch w where w.batch_id = c.batch_id)
),
wake as materialized (
  select pg_notify('/*schema.*/wake', string_agg(i.queue_id::text, ','))
  from (select distinct queue_id from in_line) i
  where exists (select from /*schema.*/worker w where w.asleep and i.queue_id = any(w.queue_ids))
  group by i.queue_id / 500
)
select job_id, (select count(*) from announced) + (select count(*) from wake) as notified
from in_line order by job_id;
