-- get: jobs by id.
-- $1 job ids
select id, task, queue, state, attempt, max_attempts, priority, args::text, tags, batch_id, enqueued_at, run_at,
       started_at, finished_at, worker_id, reason, progress_completed, progress_total, progress_message,
       error_type, error_message, traceback
from /*schema.*/jobs where id = any($1::bigint[]) order by id;
