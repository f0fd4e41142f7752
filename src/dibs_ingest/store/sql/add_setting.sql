-- add_setting: remember $2 under the name $1, once and for all.
insert into /*schema.*/setting (name, value) values ($1, $2::text::jsonb);
