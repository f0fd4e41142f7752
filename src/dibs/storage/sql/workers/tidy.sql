-- tidy: forget wishes to cancel jobs that have ended or are no more, and watchers that went away without a word.
-- locks: wishes, SKIP LOCKED: retry and prune take them by job id, and this takes them as they lie.
-- plan: `offset 0`, as in claim.sql.
with answered as materialized (
  select c.ctid as place from /*schema.*/cancel_request c
  where exists (select from /*schema.*/done d where d.job_id = c.job_id offset 0)
     or not exists (select from /*schema.*/job j where j.id = c.job_id offset 0)
  for update skip locked
),
forgotten as (
  delete from /*schema.*/cancel_request where ctid = any(array(select place from answered))
)
delete from /*schema.*/batch_watch where until < /*schema.*/clock();
