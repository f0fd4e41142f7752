-- claim: lease the best ready jobs of each queue to worker $1, from the very head of the line.
-- index: ready_in_claim_order.  locks: the chosen ready rows, SKIP LOCKED, so claimers never wait for each other;
--   the worker's own row, FOR KEY SHARE, so that no lease is made for a worker that is being given up.
-- fence: one new token for each claim; an ending is accepted only with the (job, token) of the lease made here.
-- returns: the jobs, in any order; sorting them here would cost the server more than it costs the worker.
-- plan: the rows are locked first and deleted by their place (ctid), which leaves the planner no choice of a join.
--   So does `offset 0`: a plan made while job is empty would read all of it for each row, and is kept.
-- $1 worker, $2 queue ids, $3 how many of each
with me as materialized (
  select id from /*schema.*/worker where id = $1::bigint for key share
),
picked as materialized (
  select r.place
  from me
  cross join unnest($2::integer[], $3::integer[]) as q(queue_id, n)
  cross join lateral (
    select ctid as place from /*schema.*/ready
    where queue_id = q.queue_id
    order by priority desc, job_id
    limit q.n
    for update skip locked
  ) r
),
taken as (
  delete from /*schema.*/ready where ctid = any(array(select place from picked))
  returning job_id, queue_id, priority, attempt + 1 as attempt, lost, batch_id
),
claimed as (
  select t.job_id, t.queue_id, t.priority, t.attempt, t.lost, j.task, j.args, j.max_attempts, j.timeout_seconds,
         j.retry, t.batch_id
  from taken t cross join lateral (select * from /*schema.*/job where id = t.job_id offset 0) j
),
mark as materialized (
  select nextval('/*schema.*/lease_token') as token
),
leased as (
  insert into /*schema.*/lease (job_id, token, worker_id, batch_id, leased_at, attempt, lost)
  select job_id, (select token from mark), $1, batch_id, (select /*schema.*/clock()), attempt, lost from taken
)
select job_id, (select token from mark), queue_id, priority, attempt, lost, task, args, max_attempts, timeout_seconds,
       retry, batch_id
from claimed;
