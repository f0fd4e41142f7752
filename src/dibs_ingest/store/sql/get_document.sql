-- get_document: one document.
select id, sha256, filename, media_type, size_bytes, chunks, uploaded_at, indexed_at
from /*schema.*/document where id = $1;
