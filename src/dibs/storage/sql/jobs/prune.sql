-- prune: remove jobs that ended before $5, looking at $4 endings behind job $3, in the order of job ids.
-- Dead letters are walked over by an index of their own ($2), since they are kept for another time; a walk over the others
-- passes them by. There is no index on when jobs ended, which every ending would pay for: ids rise with time, so a walk
-- is over at the first job that was enqueued after $5. Whatever it has not come to cannot have ended before.
-- A batch goes with the last of its jobs. What is counted in it stays as it is until then.
-- index: done_pkey, done_dead_letters.
-- locks: the row of pruner, so that one prunes at a time; endings, SKIP LOCKED: one that is being retried stays; then
--   batches in the order of ids. A fold may hold those, and it waits for nobody.
-- plan: endings are taken by their place, for nothing ever updates them, and everything else by its id. A batch's jobs
--   are looked at from the last one on: the first ones have gone in earlier pieces and may still lie there.
-- returns: whether the asker has the turn; how many were looked at and removed, and of batches; the last job looked at and
--   the first one removed; whether the walk is over.
-- $1 the asker, $2 dead letters, $3 job id, $4 how many, $5 moment, $6 for how many seconds the turn is kept
with turn as materialized (
  select id from /*schema.*/pruner where holder = $1::bigint for update skip locked
),
looked as materialized (
  select e.place, e.job_id, e.is_due
  from turn
  cross join lateral (
    (select ctid as place, job_id, outcome <> 'f' and finished_at < $5::timestamptz as is_due
     from /*schema.*/done where not $2::boolean and job_id > $3::bigint order by job_id limit $4::integer)
    union all
    (select ctid, job_id, finished_at < $5
     from /*schema.*/done where $2 and outcome = 'f' and job_id > $3 order by job_id limit $4)
  ) e
),
chosen as materialized (
  select ctid as place, job_id from /*schema.*/done
  where ctid = any(array(select place from looked where is_due))
  for update skip locked
),
endings as (
  delete from /*schema.*/done where ctid = any(array(select place from chosen))
),
jobs as (
  delete from /*schema.*/job where id = any(array(select job_id from chosen)) returning id, batch_id
),
errors as (
  delete from /*schema.*/attempt_error where job_id = any(array(select job_id from chosen))
),
reports as (
  delete from /*schema.*/progress where job_id = any(array(select job_id from chosen))
),
wishes as (
  delete from /*schema.*/cancel_request where job_id = any(array(select job_id from chosen))
),
emptied as materialized (
  select b.batch_id
  from (select distinct batch_id from jobs where batch_id is not null order by batch_id) b
  where (select j.id from /*schema.*/job j
         where j.batch_id = b.batch_id and j.id not in (select job_id from chosen)
         order by j.batch_id desc, j.id desc limit 1) is null
),
held as materialized (
  select b.id from emptied e
  cross join lateral (select id from /*schema.*/batch where id = e.batch_id for update) b
),
deltas as (
  delete from /*schema.*/batch_delta where batch_id = any(array(select id from held))
),
batches as (
  delete from /*schema.*/batch where id = any(array(select id from held)) returning id
),
kept as (
  update /*schema.*/pruner set turn_until = /*schema.*/clock() + $6::float8 * interval '1 second'
  where id = any(array(select id from turn))
)
select exists (select from turn), l.looked, (select count(*) from chosen), (select count(*) from batches), l.last_id,
       (select min(job_id) from chosen),
       l.looked < $4 or coalesce((select enqueued_at >= $5 from /*schema.*/job where id = l.last_id), false)
from (select count(*) as looked, max(job_id) as last_id from looked) l;
