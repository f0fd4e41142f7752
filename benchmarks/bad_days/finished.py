"""A long history: finished jobs are kept, and cost nothing."""

from benchmarks.bad_days.day import Day, Site
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import drain
from benchmarks.ground import Ground, copy_job, fresh

DRAINED = 200_000


async def measure(site: Site) -> Day:
    """Ten million jobs have finished and are kept."""
    finished, jobs = site.size(10_000_000), site.size(DRAINED)
    async with fresh(site.server.dsn, "bench_finished") as ground, Crew.on(ground.url, jobs=finished + jobs) as crew:
        await with_history(ground, crew, finished)
        first = await crew.enqueue_one(number=finished)
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        drained = await drain(ground, crew, range(first, first + jobs))
    return Day(
        name="finished_10m", what=f"{finished:,} jobs have finished and are kept; {drained.jobs:,} are drained",
        rate=drained.steady_rate, counts=drained.counts, wrong=drained.wrong,
    )  # fmt: skip


async def with_history(ground: Ground, crew: Crew, finished: int) -> None:
    """Run one job, and copy it: *finished* jobs that have ended."""
    first = await crew.enqueue_one()
    await drain(ground, crew, range(first, first + 1))
    await copy_job(ground, first, finished - 1)
    crew.take_as_run(finished)
