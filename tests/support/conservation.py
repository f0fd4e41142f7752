"""The conservation law: every job is in exactly one place, and batches count what is there and what was pruned."""

import asyncpg

_PLACES = """
select j.id, array_remove(array[
  case when exists (select from dibs.ready r where r.job_id = j.id) then 'ready' end,
  case when exists (select from dibs.scheduled s where s.job_id = j.id) then 'scheduled' end,
  case when exists (select from dibs.lease l where l.job_id = j.id) then 'lease' end,
  case when exists (select from dibs.done d where d.job_id = j.id) then 'done' end], null) as places
from (select id from dibs.job union select job_id from dibs.ready union select job_id from dibs.scheduled
      union select job_id from dibs.lease union select job_id from dibs.done) j
"""

_BATCHES = """
select b.id
from dibs.batch b
cross join lateral (
  select coalesce(sum(succeeded), 0) as s, coalesce(sum(failed), 0) as f, coalesce(sum(cancelled), 0) as c
  from dibs.batch_delta where batch_id = b.id) d
cross join lateral (
  select count(*) as total, count(*) filter (where o.outcome = 's') as s,
         count(*) filter (where o.outcome = 'f') as f, count(*) filter (where o.outcome = 'c') as c
  from dibs.job j left join dibs.done o on o.job_id = j.id where j.batch_id = b.id) truth
where least(b.succeeded + d.s - truth.s, b.failed + d.f - truth.f, b.cancelled + d.c - truth.c, truth.total - 1) < 0
   or b.succeeded + d.s - truth.s + b.failed + d.f - truth.f + b.cancelled + d.c - truth.c <> b.total - truth.total
"""


_LEFT_BEHIND = """
select 'attempt_error' as place, job_id from dibs.attempt_error where job_id not in (select id from dibs.job)
union all
select 'progress', job_id from dibs.progress where job_id not in (select id from dibs.job)
union all
select 'batch_delta', batch_id from dibs.batch_delta where batch_id not in (select id from dibs.batch)
"""


async def assert_conserved(connection: asyncpg.Connection) -> None:
    """Every job id is in exactly one of ready, scheduled, lease and done, and every batch counts the truth.

    Of a job that was pruned nothing is left but that its batch counts it, as long as other jobs of the batch are there.
    """
    astray = await connection.fetch(f"select * from ({_PLACES}) p where cardinality(places) <> 1")
    assert not astray, f"jobs in no place or in several: {astray[:10]}"
    miscounted = await connection.fetch(_BATCHES)
    assert not miscounted, f"batches that do not count what is there: {miscounted[:10]}"
    left_behind = await connection.fetch(_LEFT_BEHIND)
    assert not left_behind, f"rows of jobs that are gone: {left_behind[:10]}"
