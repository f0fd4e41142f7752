-- fold: add what was appended to batches to their counts, so that reading stays cheap.
-- locks: batch rows in the order of ids, SKIP LOCKED, so that two workers that fold never meet.
with chosen as materialized (
  select id from /*schema.*/batch
  where id = any(array(select distinct batch_id from /*schema.*/batch_delta))
  order by id
  for update skip locked
),
folded as (
  delete from /*schema.*/batch_delta where batch_id = any(array(select id from chosen))
  returning batch_id, succeeded, failed, cancelled
),
summed as (
  select batch_id, sum(succeeded) as succeeded, sum(failed) as failed, sum(cancelled) as cancelled
  from folded group by batch_id
)
update /*schema.*/batch b
set succeeded = b.succeeded + s.succeeded, failed = b.failed + s.failed, cancelled = b.cancelled + s.cancelled
from summed s where b.id = s.batch_id;
