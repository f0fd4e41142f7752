"""A long line: the worker takes from its head whatever stands behind."""

from benchmarks.bad_days.day import Day, Site
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import drain
from benchmarks.ground import copy_job, fresh

DRAINED = 200_000


async def one_million(site: Site) -> Day:
    """A million jobs wait."""
    return await _measure(site, "waiting_1m", site.size(1_000_000))


async def ten_million(site: Site) -> Day:
    """Ten million jobs wait."""
    return await _measure(site, "waiting_10m", site.size(10_000_000))


async def _measure(site: Site, name: str, waiting: int) -> Day:
    async with fresh(site.server.dsn, f"bench_{name}") as ground, Crew.on(ground.url, jobs=waiting + 1) as crew:
        first = await crew.enqueue_one()
        await copy_job(ground, first, waiting - 1)
        await ground.settle()
        drained = await drain(ground, crew, range(first, first + min(waiting, site.size(DRAINED))))
    return Day(
        name=name, what=f"{waiting:,} jobs wait; the first {drained.jobs:,} are drained", rate=drained.steady_rate,
        counts=drained.counts, wrong=drained.wrong,
    )  # fmt: skip
