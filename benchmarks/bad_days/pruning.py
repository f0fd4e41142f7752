"""Old jobs are pruned while new ones pass at full speed."""

from benchmarks.bad_days.day import Day, Site
from benchmarks.bad_days.finished import with_history
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import drain
from benchmarks.ground import copy_job, fresh

HISTORY = 2_000_000
JOBS = 1_000_000
AGE_DAYS = 9
"""Beyond the seven days that a worker keeps finished jobs by itself."""


async def measure(site: Site) -> Day:
    """The worker that drains the line also prunes, as it does by itself from its fifth second on."""
    history, jobs = site.size(HISTORY), site.size(JOBS)
    async with fresh(site.server.dsn, "bench_pruning") as ground, Crew.on(ground.url, jobs=history + jobs) as crew:
        await with_history(ground, crew, history)
        for table, column in (("job", "enqueued_at"), ("done", "started_at"), ("done", "finished_at")):
            await ground.db.execute(f"update {table} set {column} = {column} - interval '{AGE_DAYS} days'")
        first = await crew.enqueue_one(number=history)
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        drained = await drain(ground, crew, range(first, first + jobs))
        left = await ground.value("select count(*) from job where id < $1", first)
    return Day(
        name="pruning",
        what=f"the worker prunes, beside draining {jobs:,} jobs, as many as it comes to of {history:,} that ended"
        f" {AGE_DAYS} days ago; the rate of the last tenth counts",
        rate=drained.last_rate, window="last tenth",
        figures={"pruned_jobs": history - left, "rate_by_tenth": drained.rates, "rate_overall": round(drained.rate, 1)},
        counts=drained.counts, wrong=drained.wrong,
        missing=None if left < history else "the line was drained before pruning began: --scale is too small",
    )  # fmt: skip
