-- mark_indexed: document $1 has all its chunks, $2 of them with $3 words.
update /*schema.*/document set indexed_at = now(), chunks = $2, terms = $3 where id = $1;
