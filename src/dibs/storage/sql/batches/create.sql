-- create: a batch, before its jobs, in the same transaction.
-- $1 name, $2 how many jobs it will have
insert into /*schema.*/batch (name, total, created_at) values ($1::text, $2::integer, /*schema.*/clock())
returning id;
