-- reserve_ids: $1 job ids for rows that are about to be copied in, with the time.
select nextval('/*schema.*/job_id'), /*schema.*/clock() from generate_series(1, $1::integer);
