"""Drain jobs with the real worker, and count."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.crew.crew import Crew
from benchmarks.ground import Ground

STUCK_SECONDS: Final = 60.0
"""A drain that records nothing for so long has come to a stop."""

_PROGRESS: Final = "select coalesce(max(job_id), 0) from done where job_id > $1"
_PERIOD: Final = """
select extract(epoch from max(finished_at) - min(started_at))::float8 as seconds, count(*) as jobs
from done where job_id between $1 and $2
"""


@dataclass(frozen=True, slots=True)
class Drained:
    """What a worker did with a range of jobs."""

    jobs: int
    seconds: float
    """From the first claim to the last ending."""
    counts: Mapping[str, int]
    wrong: str | None
    worker_cpu_seconds: float = 0.0
    """With the worker's start."""

    @property
    def rate(self) -> float:
        """Jobs per second."""
        return self.jobs / self.seconds


async def drain(ground: Ground, crew: Crew, ids: range) -> Drained:
    """Start a worker, wait until the last of *ids* has ended, stop the worker, and count."""
    async with crew.worker() as worker:
        await ended(ground, ids)
        used = worker.cpu_seconds()
    return replace(await examine(ground, crew, ids), worker_cpu_seconds=used)


async def examine(ground: Ground, crew: Crew, ids: range) -> Drained:
    """Count what became of *ids*, once the workers have stopped."""
    period = await ground.db.fetchrow(_PERIOD, ids[0], ids[-1])
    counts = await count(ground, crew)
    if period is None or not period["jobs"]:
        return Drained(0, 1.0, counts, "nothing was drained")
    return Drained(period["jobs"], period["seconds"], counts, wrong(counts))


async def ended(ground: Ground, ids: range) -> None:
    """Wait until the last of *ids* has ended; jobs are claimed in the order of their ids.

    Raises:
        TimeoutError: Nothing is recorded any more.
    """
    seen = -1
    while seen < ids[-1]:
        async with asyncio.timeout(STUCK_SECONDS):
            while (now := await ground.value(_PROGRESS, ids[0] - 1)) <= seen:  # noqa: ASYNC110 - a new row sends no event
                await asyncio.sleep(0.02)
        seen = now


async def slices(ground: Ground, ids: range, size: int) -> list[float]:
    """Jobs per second for each *size* of the ids, from the last ending of the one before to its own."""
    rows = await ground.db.fetch(
        "select jobs / nullif(extract(epoch from ended - coalesce(lag(ended) over w, began)), 0)::float8 from ("
        "  select (job_id - $1) / $3 as nth, count(*) as jobs, min(started_at) as began, max(finished_at) as ended"
        "  from done where job_id between $1 and $2 group by 1) s window w as (order by nth) order by nth",
        ids[0], ids[-1], size,
    )  # fmt: skip
    return [round(row[0], 1) for row in rows if row[0] is not None]  # two that end in one statement take no time


async def count(ground: Ground, crew: Crew) -> Mapping[str, int]:
    """Every job by where it stands, and every execution."""
    row = await ground.db.fetchrow(
        "select (select count(*) from job) as jobs, (select count(*) from done) as ended,"
        " (select count(*) from done where outcome = 's') as succeeded,"
        " (select count(*) from ready) + (select count(*) from scheduled) + (select count(*) from lease) as waiting,"
        " (select count(*) from done d where exists (select from ready r where r.job_id = d.job_id))"
        " + (select count(*) from lease l where exists (select from done d where d.job_id = l.job_id)) as in_two_places"
    )
    assert row is not None  # noqa: S101 - an aggregate has a row
    return {**row, **crew.executions()}


def wrong(counts: Mapping[str, int]) -> str | None:
    """What does not add up: nothing may be lost, and no job may end twice."""
    if counts["jobs"] != counts["ended"] + counts["waiting"]:
        return f"of {counts['jobs']} jobs, {counts['ended']} have ended and {counts['waiting']} wait"
    if counts["in_two_places"]:
        return f"{counts['in_two_places']} jobs stand in two places"
    if counts["succeeded"] > counts["executed"]:
        return f"{counts['succeeded']} jobs are recorded as succeeded, and {counts['executed']} were run"
    return None
