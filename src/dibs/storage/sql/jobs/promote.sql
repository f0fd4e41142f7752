-- promote: put up to $1 scheduled jobs whose time has come in line, beginning with those due at $2 (null: all).
-- A worker remembers up to when it has promoted, as it remembers its floor in the line (see succeed_and_claim.sql). It is
-- a hint: a job that is due earlier can be committed later, and is found when $2 is null.
-- index: scheduled_by_time.  locks: the due rows, SKIP LOCKED, so several workers may promote at once.
-- returns: how many were moved, in how many seconds the next one is due (null: none is), and up to when all is done.
with due as materialized (
  select ctid as place from /*schema.*/scheduled
  where run_at >= coalesce($2::timestamptz, '-infinity') and run_at <= /*schema.*/clock()
  order by run_at, job_id
  limit $1::integer
  for update skip locked
),
moved as (
  delete from /*schema.*/scheduled where ctid = any(array(select place from due))
  returning job_id, run_at, attempt, lost
),
in_line as (
  insert into /*schema.*/ready (job_id, queue_id, priority, attempt, lost, batch_id)
  select m.job_id, j.queue_id, j.priority, m.attempt, m.lost, j.batch_id
  from moved m cross join lateral (select * from /*schema.*/job where id = m.job_id offset 0) j
  returning queue_id
),
wake as materialized (
  select pg_notify('/*schema.*/wake', string_agg(i.queue_id::text, ','))
  from (select distinct queue_id from in_line) i
  where exists (select from /*schema.*/worker w where w.asleep and i.queue_id = any(w.queue_ids))
  group by i.queue_id / 500
)
select (select count(*) from moved),
       (select extract(epoch from min(run_at) - /*schema.*/clock())::float8 from /*schema.*/scheduled
        where run_at > /*schema.*/clock()),
       case when (select count(*) from moved) < $1 then /*schema.*/clock() else (select max(run_at) from moved) end,
       (select count(*) from wake);
