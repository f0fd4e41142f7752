-- drop_uploads: forget spooled files that were removed.
-- $1 names
delete from /*schema.*/upload where name = any($1::text[]);
