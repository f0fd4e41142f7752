-- list_ids: the newest jobs that fit the filters, by id alone; a filter that is null lets everything through.
-- $1 states, $2 queue, $3 task, $4 batch, $5 only ids below, $6 how many
select id from /*schema.*/jobs
where state = any($1::text[]) and ($2::text is null or queue = $2) and ($3::text is null or task = $3)
  and ($4::bigint is null or batch_id = $4) and ($5::bigint is null or id < $5)
order by id desc limit $6::integer;
