"""The clean run that a bad day is compared with; taken just before, since a machine is not the same all day."""

from benchmarks.bad_days.day import Site
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import drain
from benchmarks.ground import copy_job, fresh

JOBS = 100_000


async def clean_rate(site: Site) -> float:
    """Jobs per second, drained from a line on an otherwise empty database.

    Raises:
        RuntimeError: The counts do not add up, even there.
    """
    jobs = site.size(JOBS)
    async with fresh(site.server.dsn, "bench_clean") as ground, Crew.on(ground.url, jobs=jobs) as crew:
        first = await crew.enqueue_one()
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        drained = await drain(ground, crew, range(first, first + jobs))
    if drained.wrong:
        raise RuntimeError(f"a clean run went wrong: {drained.wrong}")
    return drained.rate
