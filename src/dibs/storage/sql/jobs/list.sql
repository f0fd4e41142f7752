-- list: the newest jobs that fit the filters; a filter that is null lets everything through.
-- $1 state, $2 queue, $3 task, $4 batch, $5 only ids below, $6 how many
select id, task, queue, state, attempt, max_attempts, priority, args::text, tags, batch_id, enqueued_at, run_at,
       started_at, finished_at, worker_id, reason, progress_completed, progress_total, progress_message,
       error_type, error_message, traceback
from /*schema.*/jobs
where ($1::text is null or state = $1) and ($2::text is null or queue = $2) and ($3::text is null or task = $3)
  and ($4::bigint is null or batch_id = $4) and ($5::bigint is null or id < $5)
order by id desc limit $6::integer;
