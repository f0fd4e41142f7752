-- drop_document: forget document $1; its chunks and uploads go with it.
delete from /*schema.*/document where id = $1;
