-- list_documents: indexed documents, latest first, $1 of them from the $2-th on.
select id, sha256, filename, media_type, size_bytes, chunks, uploaded_at, indexed_at
from /*schema.*/document where indexed_at is not null order by indexed_at desc, id desc limit $1 offset $2;
