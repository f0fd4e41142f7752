"""What the tables say at the end: read once, and added to the history."""

from collections.abc import AsyncIterator
from typing import Final

from chaos.notes import Counted, Found, Note, Settled
from chaos.server import Asked
from dibs import Dibs

_WAITING: Final = """
select (select count(*) from dibs.ready) + (select count(*) from dibs.scheduled) + (select count(*) from dibs.lease),
       (select count(*) from dibs.done)
"""

_FOUND: Final = """
select i.id, (j.args ->> 'number')::bigint, coalesce(j.task, ''), j.batch_id, d.outcome::text, d.attempt::int,
       extract(epoch from d.finished_at)::float8,
       array_remove(array[
         case when exists (select from dibs.ready r where r.job_id = i.id) then 'ready' end,
         case when exists (select from dibs.scheduled s where s.job_id = i.id) then 'scheduled' end,
         case when exists (select from dibs.lease l where l.job_id = i.id) then 'lease' end,
         case when d.job_id is not null then 'done' end], null)
from (select id from dibs.job union select job_id from dibs.ready union select job_id from dibs.scheduled
      union select job_id from dibs.lease union select job_id from dibs.done) i(id)
left join dibs.job j on j.id = i.id
left join dibs.done d on d.job_id = i.id
order by i.id
"""


async def waiting(server: Asked) -> tuple[int, int]:
    """How many jobs have not ended, and how many have."""
    row = (await server.ask(_WAITING))[0]
    return row[0], row[1]


async def read_tables(server: Asked) -> AsyncIterator[Note]:
    """Every job with its places and its ending, every row that a job's transaction wrote, every batch's counts."""
    connection = await server.connect()
    try:
        async with connection.transaction(readonly=True):
            async for job, number, task, batch, outcome, attempt, at, places in connection.cursor(
                _FOUND, prefetch=5000
            ):
                yield Found(job=job, number=number, task=task, batch=batch, outcome=outcome, attempt=attempt,
                            finished_at=at, places=tuple(places))  # fmt: skip
            async for row in connection.cursor("select job_id, token, attempt from settled", prefetch=5000):
                yield Settled(job=row[0], token=row[1], attempt=row[2])
        batches = await connection.fetch("select id from dibs.batch order by id")
    finally:
        await connection.close()
    async with Dibs(server.dsn) as app:
        for (batch,) in batches:
            told = await app.batch_progress(batch)
            if told is not None:
                yield Counted(batch=batch, total=told.total, succeeded=told.succeeded, failed=told.failed,
                              cancelled=told.cancelled)  # fmt: skip
