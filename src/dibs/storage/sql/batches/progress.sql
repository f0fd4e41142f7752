-- progress: how far a batch has come: what was folded plus what was appended since.
-- $1 batch
select b.id, b.name, b.total,
       b.succeeded + coalesce(d.succeeded, 0), b.failed + coalesce(d.failed, 0),
       b.cancelled + coalesce(d.cancelled, 0),
       (select count(*) from /*schema.*/lease l where l.batch_id = b.id), b.created_at
from /*schema.*/batch b
cross join lateral (
  select sum(succeeded)::integer as succeeded, sum(failed)::integer as failed, sum(cancelled)::integer as cancelled
  from /*schema.*/batch_delta where batch_id = b.id
) d
where b.id = $1::bigint;
