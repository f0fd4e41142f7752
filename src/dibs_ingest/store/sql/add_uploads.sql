-- add_uploads: remember which job uses which spooled file.
-- $1 names, $2 document ids, $3 job ids
insert into /*schema.*/upload (name, document_id, job_id)
select * from unnest($1::text[], $2::bigint[], $3::bigint[]);
