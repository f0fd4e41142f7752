"""Workers under a snapshot that is held, as a forgotten transaction or a long report holds one.

No row version that is newer than the snapshot can be cleaned up: what claims leave behind in `ready` and `lease` piles
up for as long as it is held.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from statistics import mean
from time import monotonic
from typing import Any, Final

import asyncpg

from chaos.endurance.place import DRAINED, Place, Worker, enqueue
from chaos.endurance.verdict import Verdict

PER_SECOND: Final = 10
"""So many times a second jobs are enqueued."""

DRIFT_MAX: Final = 1.5
"""The last quarter may take so many times what the second one took. The first one warms up."""

DRIFTING: Final = ("p50 ms", "p99 ms", "rss bytes")

SMALL_MS: Final = 20.0
"""A latency below this is no drift, whatever it was before."""

WINDOW: Final = """
select count(*) as jobs,
       percentile_cont(0.5) within group (order by extract(epoch from d.started_at - j.enqueued_at)) as p50,
       percentile_cont(0.99) within group (order by extract(epoch from d.started_at - j.enqueued_at)) as p99
from dibs.job j join dibs.done d on d.job_id = j.id
where d.finished_at > $1
"""
"""By when they ended: a job that waited through many windows is counted, with all of its wait, in its last one."""

SIZES: Final = """
select relname, pg_relation_size(oid) as bytes, pg_indexes_size(oid) as indexes
from pg_class
where relnamespace = 'dibs'::regnamespace and relname in ('job', 'ready', 'lease', 'done')
order by relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What was asked for."""

    minutes: float
    rows: int
    rate: int

    async def run(self, place: Place) -> Verdict:
        """Hold a snapshot, feed two workers at a fixed rate, and measure now and then."""
        rows: list[dict[str, Any]] = []
        async with place.worker() as one, place.worker() as other, _snapshot(place):
            feeding = asyncio.ensure_future(self._feed())
            began = monotonic()
            try:
                for number in range(1, self.rows + 1):
                    since = await place.value("select clock_timestamp()")
                    until = began + self.minutes * 60 * number / self.rows
                    await asyncio.wait({feeding}, timeout=max(until - monotonic(), 0.0))
                    if feeding.done():
                        feeding.result()  # it never ends by itself: this raises what went wrong
                    rows.append(await _row(place, [one, other], monotonic() - began, since))
            finally:
                feeding.cancel()
                await asyncio.wait({feeding})
            await place.until(DRAINED)
        quarter = max(len(rows) // 4, 1)
        second, fourth = rows[quarter : 2 * quarter], rows[-quarter:]
        asked = await place.value("select count(*) from dibs.job")
        return Verdict(
            rows=rows,
            figures={
                f"{name}, last quarter against second": _ratio(second, fourth, name) for name in ("jobs", *DRIFTING)
            },
            broken={
                "drift of jobs": int(_ratio(second, fourth, "jobs") * DRIFT_MAX < 1.0),
                **{f"drift of {name}": int(_drifts(second, fourth, name)) for name in DRIFTING},
                "jobs that have not ended": asked - await place.ended(),
            },
        )

    async def _feed(self) -> None:
        sent, began = 0, monotonic()
        while True:
            due = int((monotonic() - began) * self.rate)
            if due > sent:
                await enqueue(sent, due - sent)
                sent = due
            await asyncio.sleep(1 / PER_SECOND)


@contextlib.asynccontextmanager
async def _snapshot(place: Place) -> AsyncIterator[None]:
    holder = await asyncpg.connect(place.dsn)
    try:
        async with holder.transaction(isolation="repeatable_read", readonly=True):
            await holder.execute("select count(*) from dibs.job")  # the first statement takes the snapshot
            yield
    finally:
        await holder.close()


async def _row(place: Place, workers: list[Worker], at: float, since: datetime) -> dict[str, Any]:
    """What can be seen now, and of the jobs that ended since then."""
    found = (await place.db.fetch(WINDOW, since))[0]
    sizes = await place.db.fetch(SIZES)
    return {
        "seconds": round(at),
        "jobs": found["jobs"],
        "p50 ms": round((found["p50"] or 0) * 1e3, 1),
        "p99 ms": round((found["p99"] or 0) * 1e3, 1),
        "rss bytes": sum(worker.rss_bytes for worker in workers),
        **{
            f"{row['relname']}{what}": row[key]
            for row in sizes
            for what, key in ((" bytes", "bytes"), (" indexes", "indexes"))
        },
    }


def _ratio(second: list[dict[str, Any]], fourth: list[dict[str, Any]], name: str) -> float:
    before, after = (mean(float(row[name]) for row in rows) for rows in (second, fourth))
    return round(after / (before or 1.0), 2)


def _drifts(second: list[dict[str, Any]], fourth: list[dict[str, Any]], name: str) -> bool:
    if name.endswith(" ms") and mean(row[name] for row in fourth) < SMALL_MS:
        return False
    return _ratio(second, fourth, name) > DRIFT_MAX
