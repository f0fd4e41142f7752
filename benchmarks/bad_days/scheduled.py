"""Ten million jobs for later, while a thousand a second fall due."""

from collections.abc import Mapping

from benchmarks.bad_days.day import Day, Site
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import drain, ended, examine
from benchmarks.ground import Ground, copy_job, fresh

DUE_PER_SECOND = 1_000
DUE_SECONDS = 20
DRAINED = 200_000


async def measure(site: Site) -> Day:
    """Drain beside the jobs for later, then let some fall due and see how late they are claimed."""
    later, jobs = site.size(10_000_000), site.size(DRAINED)
    due = DUE_PER_SECOND * max(2, round(DUE_SECONDS * min(site.scale, 1.0)))
    async with (
        fresh(site.server.dsn, "bench_scheduled") as ground,
        Crew.on(ground.url, jobs=later + jobs + due + 1) as crew,
    ):
        template = await crew.enqueue_one(delay_seconds=3600)
        await copy_job(ground, template, later - 1, run_at="now() + interval '1 day' + ($start + n) * interval '1 ms'")
        first = await crew.enqueue_one(number=later)
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        drained = await drain(ground, crew, range(first, first + jobs))
        template = await crew.enqueue_one(number=later + jobs, delay_seconds=3600)
        async with crew.worker():
            lateness = await _fall_due(ground, crew, template, due)
        counted = await examine(ground, crew, range(first, first + jobs))
    return Day(
        name="scheduled_10m",
        what=f"{later:,} jobs are scheduled; {drained.jobs:,} ready ones are drained, then {due:,} fall due, a "
        "thousand a second, and are claimed late by so much",
        rate=drained.steady_rate, figures=lateness, counts=counted.counts, wrong=counted.wrong,
    )  # fmt: skip


async def _fall_due(ground: Ground, crew: Crew, template: int, jobs: int) -> Mapping[str, float]:
    """Schedule *jobs* jobs, one each millisecond from three seconds on, and see when they are claimed."""
    begin = await ground.value("select now() + interval '3 s'")
    due = f"'{begin.isoformat()}'::timestamptz + ($start + n) * interval '1 ms'"
    ids = await copy_job(ground, template, jobs, run_at=due)
    await ended(ground, crew, ids)
    late = await ground.db.fetchrow(
        "select percentile_cont(array[0.5, 0.99]) within group (order by late) as cuts, max(late) as max"
        " from (select extract(epoch from started_at - $1::timestamptz)::float8 * 1000 - (job_id - $2) as late"
        "       from done where job_id between $2 and $3) d",
        begin, ids[0], ids[-1],
    )  # fmt: skip
    assert late is not None  # noqa: S101 - an aggregate has a row
    return {
        "late_p50_ms": round(late["cuts"][0], 1),
        "late_p99_ms": round(late["cuts"][1], 1),
        "late_max_ms": round(late["max"], 1),
    }
