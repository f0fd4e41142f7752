-- succeed_and_claim: record successes, then claim for the slots they freed, in one round trip.
-- Everything said in claim.sql holds; the difference is where the scan of the line begins. A worker remembers,
-- for each queue and priority, how far it has claimed (the floor), and starts there. While an old snapshot keeps
-- vacuum from removing the dead entries at the head of the line, this is what keeps a claim cheap. The floor is a
-- hint: an id below it can appear later, and is found by claim.sql, which runs at least once a second.
-- fence: a success whose (job, token) is not leased any more changes nothing and comes back in `refused`.
-- locks: the leases, in the order of job ids, as the index gives them.
-- plan: one scan of the index of leases for all ids. Without `coalesce` the planner would make a join of `in`, and in
--   a join without statistics compare each with each; so it looks each pair up in a hash table.
-- returns: one row at least, in any order; `refused` stands in every row, job_id is null when nothing was claimed. How many batches
--   were announced stands there, too: what the result does not need, the planner would leave out.
-- $1 worker, $2 job ids, $3 tokens, $4-$6 floors: queue ids, priorities (best first), job ids,
-- $7 queue ids, $8 how many of each
with released as (
  delete from /*schema.*/lease
  where job_id = any($2::bigint[])
    and coalesce((job_id, token) in (select * from unnest($2::bigint[], $3::bigint[])), false)
  returning job_id, token, worker_id, batch_id, leased_at, attempt
),
recorded as (
  insert into /*schema.*/done (job_id, worker_id, started_at, finished_at, attempt, outcome)
  select job_id, worker_id, leased_at, (select /*schema.*/clock()), attempt, 's' from released
),
counted as (
  insert into /*schema.*/batch_delta (batch_id, succeeded)
  select batch_id, count(*) from released where batch_id is not null group by batch_id
  returning batch_id
),
announced as materialized (
  select pg_notify('/*schema.*/batch', c.batch_id::text) from counted c
  where exists (select from /*schema.*/batch_watch w where w.batch_id = c.batch_id)
),
me as materialized (
  select id from /*schema.*/worker where id = $1::bigint for key share
),
picked as materialized (
  select r.place
  from me
  cross join unnest($7::integer[], $8::integer[]) as q(queue_id, n)
  cross join lateral (
    select head.place
    from (
      select f.priority, f.job_id
      from unnest($4::integer[], $5::smallint[], $6::bigint[]) with ordinality as f(queue_id, priority, job_id, nth)
      where f.queue_id = q.queue_id
      order by f.nth
    ) f
    cross join lateral (
      select ctid as place from /*schema.*/ready
      where queue_id = q.queue_id and priority = f.priority and job_id >= f.job_id
      order by job_id
      limit q.n
      for update skip locked
    ) head
    limit q.n
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
select c.job_id, (select token from mark), c.queue_id, c.priority, c.attempt, c.lost, c.task, c.args, c.max_attempts,
       c.timeout_seconds, c.retry, c.batch_id, r.refused, r.announced
from (
  select case when (select count(*) from released) < cardinality($2)
              then array(select e.job_id from (
                     select * from unnest($2, $3) as p(job_id, token) except select job_id, token from released
                   ) e) end as refused,
         (select count(*) from announced) as announced
) r
left join claimed c on true;
