-- prune_until: what ended before these moments may be pruned: finished jobs, dead letters (null: none); and what time it is.
-- Of what apps have asked for, the longest holds.
-- $1, $2 seconds to keep finished jobs and dead letters when no app has asked for anything
select case when finished < 'infinity' then now - finished * interval '1 second' end,
       case when dead_letter < 'infinity' then now - dead_letter * interval '1 second' end,
       now
from (
  select coalesce(max(finished_seconds), $1::float8) as finished,
         coalesce(max(dead_letter_seconds), $2::float8) as dead_letter, /*schema.*/clock() as now
  from /*schema.*/retention
) r;
