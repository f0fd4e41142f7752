-- reserve_ids: $1 job ids for rows that are about to be copied in.
select nextval('/*schema.*/job_id') from generate_series(1, $1::integer);
