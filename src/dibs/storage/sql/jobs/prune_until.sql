-- prune_until: what ended before these moments may be pruned: finished jobs, dead letters (null: none); and what time it is.
-- Of what apps have asked for, the longest holds. What nobody has asked for again within a day holds only where it is longer
-- than the default: who no longer asks for a shorter time means to keep jobs as others do.
-- $1, $2 seconds to keep finished jobs and dead letters when no app has asked for anything
select case when finished < 'infinity' then now - finished * interval '1 second' end,
       case when dead_letter < 'infinity' then now - dead_letter * interval '1 second' end,
       now
from (
  select coalesce(max(greatest(finished_seconds, case when is_old then $1::float8 end)), $1) as finished,
         coalesce(max(greatest(dead_letter_seconds, case when is_old then $2::float8 end)), $2) as dead_letter,
         /*schema.*/clock() as now
  from (select *, asked_at < /*schema.*/clock() - interval '1 day' as is_old from /*schema.*/retention) w
) r;
