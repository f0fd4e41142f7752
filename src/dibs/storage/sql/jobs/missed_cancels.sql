-- missed_cancels: jobs that were asked to be cancelled and went back to the line or the schedule all the same. An ending
--   and a wish can pass each other by: neither sees what the other has not yet committed.
-- plan: `offset 0`, as in claim.sql.
-- returns: their ids, to be cancelled now.
select c.job_id from /*schema.*/cancel_request c
where not exists (select from /*schema.*/lease l where l.job_id = c.job_id offset 0)
  and not exists (select from /*schema.*/done d where d.job_id = c.job_id offset 0)
order by c.job_id;
