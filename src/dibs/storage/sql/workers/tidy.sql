-- tidy: forget wishes to cancel jobs that have ended or are no more, and watchers that went away without a word.
-- plan: `offset 0`, as in claim.sql.
with answered as (
  delete from /*schema.*/cancel_request c
  where exists (select from /*schema.*/done d where d.job_id = c.job_id offset 0)
     or not exists (select from /*schema.*/job j where j.id = c.job_id offset 0)
)
delete from /*schema.*/batch_watch where until < /*schema.*/clock();
