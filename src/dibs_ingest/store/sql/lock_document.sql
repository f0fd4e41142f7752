-- lock_document: one document, its row locked, so that of two jobs for the same content one waits and then finds it done.
select id, sha256, filename, media_type, size_bytes, chunks, uploaded_at, indexed_at
from /*schema.*/document where id = $1 for update;
