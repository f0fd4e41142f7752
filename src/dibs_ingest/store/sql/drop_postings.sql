-- drop_postings: take the chunks of document $1 out of the word index, through that very index.
delete from /*schema.*/posting p using /*schema.*/chunk c
where c.document_id = $1 and p.lexeme = any(tsvector_to_array(c.words)) and p.chunk_id = c.id;
