-- finish: record how attempts ended, whatever the outcome (plain successes go the shorter way of succeed_and_claim).
-- outcomes: s succeed, f fail, c cancel lead to done; r retry, z snooze, u unknown task lead back to the schedule,
--   h hand back leads to the line, or to the schedule when it has a delay. Snooze, unknown task and hand back wind the
--   attempt back: they did not use it up.
-- fence: an outcome whose (job, token) is not leased any more changes nothing and comes back in the result.
-- locks: the leases, in the order of their job ids.
-- A job that was asked to be cancelled while it ran does not go back: it ends cancelled.
-- returns: the ids whose lease was no longer held. A job may stand here twice, under an old and a new token: its
--   worker was given up and claimed it again while the old run still went on. So what is compared is the pair.
-- $1 job ids, $2 tokens, $3 outcomes, $4 delays in seconds, $5 error types, $6 messages, $7 tracebacks
with ended as materialized (
  select distinct on (job_id, token) *
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::text[])
    as e(job_id, token, outcome, delay_seconds, error_type, message, traceback)
  order by job_id, token
),
held as materialized (
  select e.job_id, e.token, e.delay_seconds, e.error_type, e.message, e.traceback,
         l.place, l.worker_id, l.batch_id, l.leased_at, l.attempt, l.lost,
         case when e.outcome in ('r', 'z', 'u', 'h')
               and exists (select from /*schema.*/cancel_request c where c.job_id = e.job_id)
              then 'c' else e.outcome end as outcome
  from ended e
  cross join lateral (
    select ctid as place, worker_id, batch_id, leased_at, attempt, lost
    from /*schema.*/lease where job_id = e.job_id and token = e.token limit 1 for update
  ) l
),
released as (
  delete from /*schema.*/lease where ctid = any(array(select place from held))
),
recorded as (
  insert into /*schema.*/done (job_id, worker_id, started_at, finished_at, attempt, outcome)
  select job_id, worker_id, leased_at, (select /*schema.*/clock()), attempt, outcome::"char"
  from held where outcome in ('s', 'f', 'c')
),
explained as (
  insert into /*schema.*/attempt_error (job_id, attempt, worker_id, occurred_at, error_type, message, traceback)
  select job_id, attempt, worker_id, (select /*schema.*/clock()), error_type, message, traceback
  from held where error_type is not null
),
later as (
  insert into /*schema.*/scheduled (job_id, run_at, attempt, lost, reason)
  select job_id, (select /*schema.*/clock()) + delay_seconds * interval '1 second',
         case outcome when 'r' then attempt else attempt - 1 end,
         case outcome when 'h' then lost else 0 end,
         case outcome when 'r' then 'retry' when 'z' then 'snooze' when 'u' then 'unknown task' else 'suspect' end
  from held where outcome in ('r', 'z', 'u', 'h') and delay_seconds > 0
),
in_line as (
  insert into /*schema.*/ready (job_id, queue_id, priority, attempt, lost, batch_id)
  select h.job_id, j.queue_id, j.priority,
         case h.outcome when 'r' then h.attempt else h.attempt - 1 end,
         case h.outcome when 'h' then h.lost else 0 end, j.batch_id
  from held h cross join lateral (select * from /*schema.*/job where id = h.job_id offset 0) j
  where h.outcome in ('r', 'z', 'u', 'h') and not h.delay_seconds > 0
  returning queue_id
),
counted as (
  insert into /*schema.*/batch_delta (batch_id, succeeded, failed, cancelled)
  select batch_id, count(*) filter (where outcome = 's'), count(*) filter (where outcome = 'f'),
         count(*) filter (where outcome = 'c')
  from held where batch_id is not null and outcome in ('s', 'f', 'c') group by batch_id
  returning batch_id
),
announced as materialized (
  select pg_notify('/*schema.*/batch', b.batch_id::text)
  from (select distinct batch_id from held where batch_id is not null) b
  where exists (select from /*schema.*/batch_watch w where w.batch_id = b.batch_id)
),
wake as materialized (
  select pg_notify('/*schema.*/wake', string_agg(i.queue_id::text, ','))
  from (select distinct queue_id from in_line) i
  where exists (select from /*schema.*/worker w where w.asleep and i.queue_id = any(w.queue_ids))
  group by i.queue_id / 500
)
select r.job_id, (select count(*) from announced) + (select count(*) from wake) as notified
from (select job_id, token from ended except select job_id, token from held) r
union all
select null, (select count(*) from announced) + (select count(*) from wake)
order by 1;
