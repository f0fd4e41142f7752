-- list_uploads: up to $1 spooled files, oldest first.
select name, document_id, job_id from /*schema.*/upload order by created_at, name limit $1;
