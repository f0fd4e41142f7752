-- list: the newest jobs that fit the filters; a filter that is null lets everything through.
-- plan: first the ids alone, which leaves out what only the rows that are shown need; then the view once for each.
-- $1 state, $2 queue, $3 task, $4 batch, $5 only ids below, $6 how many
select j.id, j.task, j.queue, j.state, j.attempt, j.max_attempts, j.priority, j.args::text, j.tags, j.batch_id,
       j.enqueued_at, j.run_at, j.started_at, j.finished_at, j.worker_id, j.reason, j.progress_completed,
       j.progress_total, j.progress_message, j.error_type, j.error_message, j.traceback
from (
  select id from /*schema.*/jobs
  where ($1::text is null or state = $1) and ($2::text is null or queue = $2) and ($3::text is null or task = $3)
    and ($4::bigint is null or batch_id = $4) and ($5::bigint is null or id < $5)
  order by id desc limit $6::integer
) p
cross join lateral (select * from /*schema.*/jobs where id = p.id offset 0) j
order by j.id desc;
