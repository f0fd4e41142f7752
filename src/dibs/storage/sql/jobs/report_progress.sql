-- report_progress: note how far running jobs have come.
-- fence: a report whose (job, token) is not leased any more changes nothing.
-- locks: progress rows, in the order of job ids.
-- $1 job ids, $2 tokens, $3 completed, $4 totals, $5 messages
with reported as materialized (
  select r.job_id, r.completed, r.total, r.message, l.batch_id
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
    as r(job_id, token, completed, total, message)
  cross join lateral (
    select batch_id from /*schema.*/lease where job_id = r.job_id and token = r.token limit 1
  ) l
  order by r.job_id
),
written as (
  insert into /*schema.*/progress (job_id, completed, total, message, updated_at)
  select job_id, completed, total, message, (select /*schema.*/clock()) from reported
  on conflict (job_id) do update
  set completed = excluded.completed, total = excluded.total, message = excluded.message,
      updated_at = excluded.updated_at
)
select pg_notify('/*schema.*/batch', b.batch_id::text)
from (select distinct batch_id from reported where batch_id is not null) b
where exists (select from /*schema.*/batch_watch w where w.batch_id = b.batch_id);
