-- prune_count: how many jobs pruning would remove, for people: it reads all endings.
-- returns: finished jobs that ended before $1, and dead letters that ended before $2 (null: none).
select count(*) filter (where outcome <> 'f' and finished_at < $1::timestamptz),
       count(*) filter (where outcome = 'f' and finished_at < $2::timestamptz)
from /*schema.*/done;
