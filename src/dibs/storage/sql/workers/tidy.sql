-- tidy: forget wishes to cancel jobs that no longer run, and watchers that went away without a word.
with answered as (
  delete from /*schema.*/cancel_request c
  where not exists (select from /*schema.*/lease l where l.job_id = c.job_id)
)
delete from /*schema.*/batch_watch where until < /*schema.*/clock();
