-- disown: hand back what the tables say worker $1 holds, but the worker does not know of.
-- When a connection breaks during a claim, the claim may have been committed although its answer never came. Those
-- jobs were never started, so their attempt is wound back. The answer to a claim tells all jobs of its token, so a token
-- that the worker does not know is that of a claim whose answer was lost.
-- locks: leases in the order of job ids.
-- $1 worker, $2 the tokens it knows it holds
with unknown as materialized (
  select ctid as place, job_id, attempt, lost from /*schema.*/lease
  where worker_id = $1::bigint and token <> all($2::bigint[])
  order by job_id for update
),
released as (
  delete from /*schema.*/lease where ctid = any(array(select place from unknown))
),
in_line as (
  insert into /*schema.*/ready (job_id, queue_id, priority, attempt, lost, batch_id)
  select u.job_id, j.queue_id, j.priority, u.attempt - 1, u.lost, j.batch_id
  from unknown u cross join lateral (select * from /*schema.*/job where id = u.job_id offset 0) j
)
select job_id from unknown order by job_id;
