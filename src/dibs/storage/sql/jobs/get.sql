-- get: jobs by id.
-- plan: the view once for each id. `offset 0` keeps the planner from turning that into one reading of all its tables.
-- $1 job ids
select j.id, j.task, j.queue, j.state, j.attempt, j.max_attempts, j.priority, j.args::text, j.tags, j.batch_id,
       j.enqueued_at, j.run_at, j.started_at, j.finished_at, j.worker_id, j.reason, j.progress_completed,
       j.progress_total, j.progress_message, j.error_type, j.error_message, j.traceback
from (select distinct unnest($1::bigint[]) as id) w
cross join lateral (select * from /*schema.*/jobs where id = w.id offset 0) j
order by j.id;
