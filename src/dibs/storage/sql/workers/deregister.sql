-- deregister: forget a worker that stops. What it still holds is taken back by the next rescue.
-- $1 worker
delete from /*schema.*/worker where id = $1::bigint;
