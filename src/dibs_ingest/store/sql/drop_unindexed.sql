-- drop_unindexed: forget documents of $1 that were never indexed and that no upload waits for any more.
-- locks: their rows, so that an upload of the same content that is just being queued is waited for and then seen.
with candidate as materialized (
  select id from /*schema.*/document where id = any($1::bigint[]) and indexed_at is null order by id for update
)
delete from /*schema.*/document d using candidate c
where d.id = c.id and not exists (select from /*schema.*/upload u where u.document_id = d.id);
