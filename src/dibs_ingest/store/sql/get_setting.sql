-- get_setting: what the index remembers under the name $1.
select value from /*schema.*/setting where name = $1;
