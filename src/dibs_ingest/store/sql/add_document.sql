-- add_document: the id of the document with this content, made if it is new.
-- locks: its row until the transaction ends; callers with several documents go in the order of sha256.
-- The update changes nothing, but makes the row of an earlier upload come back.
insert into /*schema.*/document (sha256, filename, media_type, size_bytes) values ($1, $2, $3, $4)
on conflict (sha256) do update set sha256 = excluded.sha256
returning id;
