-- prune_turn: take the turn to prune for $2 seconds, unless somebody else has it. With $5, a worker has to give it up.
-- Told by the way is how long the asker's app wants finished jobs to be kept. What others want is forgotten when nobody has
-- asked for it within a day: so a longer time holds at once, and a shorter one only when the longer one is given up.
-- locks: the one row of pruner, SKIP LOCKED, so that nobody waits for who prunes; what the asker wants, then what others
--   have given up, SKIP LOCKED, since two that ask again after a long time would each forget what the other one wants.
-- returns: whether the asker has the turn now.
-- $1 the asker (a worker by its id, others by a number below zero), $2 seconds, $3 and $4 seconds to keep finished jobs and dead letters (infinity: for
-- ever; null: the app has no wish), $5 whether a worker has to give way
with asked as (
  insert into /*schema.*/retention (finished_seconds, dead_letter_seconds, asked_at)
  select $3::float8, $4::float8, /*schema.*/clock() where $3::float8 is not null
  on conflict (finished_seconds, dead_letter_seconds) do update set asked_at = excluded.asked_at
),
given_up as materialized (
  select ctid as place from /*schema.*/retention
  where asked_at < /*schema.*/clock() - interval '1 day' and (finished_seconds, dead_letter_seconds) <> ($3, $4)
  for update skip locked
),
forgotten as (
  delete from /*schema.*/retention where ctid = any(array(select place from given_up))
),
free as materialized (
  select id from /*schema.*/pruner
  where holder = $1::bigint or ($5::boolean and holder > 0) or turn_until < /*schema.*/clock()
  for update skip locked
),
taken as (
  update /*schema.*/pruner set holder = $1, turn_until = /*schema.*/clock() + $2::float8 * interval '1 second'
  where id = any(array(select id from free))
  returning holder
)
select exists (select from taken);
