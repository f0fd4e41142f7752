-- count_documents: indexed documents and their chunks.
select count(*) as documents, coalesce(sum(chunks), 0)::bigint as chunks
from /*schema.*/document where indexed_at is not null;
