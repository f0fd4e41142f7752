"""Sessions that keep vacuum from cleaning up, while a million jobs pass."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg

from benchmarks.bad_days.day import Day, Site
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import drain
from benchmarks.ground import Ground, copy_job, fresh

JOBS = 1_000_000

Holding = Callable[[Ground], AbstractAsyncContextManager[None]]


async def pinned_snapshot(site: Site) -> Day:
    """A report holds a REPEATABLE READ snapshot from before the first claim to the last."""

    @asynccontextmanager
    async def report(ground: Ground) -> AsyncIterator[None]:
        async with _session(ground) as session, session.transaction(isolation="repeatable_read", readonly=True):
            await session.fetchval("select count(*) from pg_class")
            yield

    return await _measure(site, "pinned_snapshot", "a REPEATABLE READ snapshot is held", report)


async def idle_in_transaction(site: Site) -> Day:
    """Somebody wrote a row in a transaction and went to lunch."""

    @asynccontextmanager
    async def forgotten(ground: Ground) -> AsyncIterator[None]:
        async with _session(ground) as session, session.transaction():
            await session.fetchval("select pg_current_xact_id()::text")
            yield

    return await _measure(site, "idle_in_transaction", "a transaction with an id sits idle", forgotten)


@asynccontextmanager
async def _session(ground: Ground) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(ground.url)
    try:
        yield session
    finally:
        await session.close()


async def _measure(site: Site, name: str, what: str, holding: Holding) -> Day:
    jobs = site.size(JOBS)
    async with fresh(site.server.dsn, f"bench_{name}") as ground, Crew.on(ground.url, jobs=jobs) as crew:
        first = await crew.enqueue_one()
        ids = range(first, first + jobs)
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        async with holding(ground):
            drained = await drain(ground, crew, ids)
    return Day(
        name=name, what=f"{what} while {jobs:,} jobs pass; the rate of the last tenth counts",
        rate=drained.last_rate, window="last tenth",
        figures={"rate_by_tenth": drained.rates, "rate_overall": round(drained.rate, 1)},
        counts=drained.counts, wrong=drained.wrong,
    )  # fmt: skip
