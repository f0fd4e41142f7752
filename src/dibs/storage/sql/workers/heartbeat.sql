-- heartbeat: the worker is alive, and what is there to know. This is the one statement of an idle worker.
-- returns: nothing when the worker has been given up; else seconds until the next scheduled job is due (negative:
--   overdue, null: none), whether jobs wait for a worker that sleeps, whether other workers look dead, whether there is
--   something to tidy up, which of its jobs are to be cancelled, and the time.
-- While an old snapshot keeps vacuum away, the heads of the schedule and of the line are full of dead rows. When that
-- has made heartbeats slow, most of them say since when to look ($4), and leave the line to the others.
-- $1 worker, $2 whether it holds its advisory lock, $3 grace in seconds before another worker looks dead,
-- $4 from when on to look at the schedule (null: from its head, and at the line)
with me as (
  update /*schema.*/worker set heartbeat_at = /*schema.*/clock(), locked = $2::boolean
  where id = $1::bigint
  returning id, queue_ids, asleep
)
select (select extract(epoch from min(run_at) - /*schema.*/clock())::float8 from /*schema.*/scheduled
        where run_at >= coalesce($4::timestamptz, '-infinity')),
       me.asleep and $4 is null and exists (select from /*schema.*/ready r where r.queue_id = any(me.queue_ids)),
       -- a server that has only just started knows nobody's heartbeat yet
       statement_timestamp() > pg_postmaster_start_time() + interval '5 seconds' and
       exists (select from /*schema.*/worker w
               where w.id <> me.id and w.heartbeat_at < /*schema.*/clock() - $3::float8 * interval '1 second'),
       exists (select from /*schema.*/batch_delta) or exists (select from /*schema.*/cancel_request)
       or exists (select from /*schema.*/batch_watch where until < /*schema.*/clock()),
       -- lateral with a limit: from the few wishes to their leases, never from all leases
       array(select c.job_id from /*schema.*/cancel_request c
             cross join lateral (select worker_id from /*schema.*/lease where job_id = c.job_id limit 1) l
             where l.worker_id = me.id),
       /*schema.*/clock()
from me;
