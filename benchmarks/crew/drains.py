"""Drain jobs with the real worker, and count."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from benchmarks.crew.crew import Crew
from benchmarks.ground import Ground

STUCK_SECONDS: Final = 60.0
"""A drain in which no job starts for so long has come to a stop."""

TENTHS: Final = 10
_POLL_SECONDS: Final = 0.1

_LEASED: Final = "select exists (select from lease where job_id between $1 and $2)"
_TENTHS: Final = """
select (job_id - $1) * $3 / ($2 - $1 + 1) as nth, count(*) as jobs,
  extract(epoch from max(finished_at) - (select min(started_at) from done where job_id between $1 and $2))::float8
    as seconds
from done where job_id between $1 and $2 group by 1 order by 1
"""


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of a range of jobs.

    The clock is the database's: from the statement that claimed the first job to the one that recorded the last ending.
    The first claim is within; of the last statement its own duration is not.
    """

    jobs: int
    tenths: Sequence[float]
    """Seconds from the first claim until all jobs of a tenth, and of those before it, had ended."""
    counts: Mapping[str, int]
    wrong: str | None
    worker_cpu_seconds: float = 0.0
    """With the worker's start."""
    whole_seconds: float = 0.0
    """With the worker's start, and until everything was seen to have ended."""

    @property
    def seconds(self) -> float:
        """From the first claim to the last ending."""
        return self.tenths[-1]

    @property
    def rate(self) -> float:
        """Jobs per second."""
        return self.jobs / self.seconds

    @property
    def steady_rate(self) -> float | None:
        """Jobs per second without the first tenth, in which a worker gets up to speed, and the last one."""
        return self._rate_of(1, TENTHS - 1)

    @property
    def last_rate(self) -> float | None:
        """Jobs per second in the last tenth."""
        return self._rate_of(TENTHS - 1, TENTHS)

    @property
    def rates(self) -> list[float]:
        """Jobs per second in each tenth; those that ended in the statement of the one before are left out."""
        found = (self._rate_of(nth, nth + 1) for nth in range(TENTHS))
        return [round(rate, 1) for rate in found if rate is not None]

    def _rate_of(self, first: int, last: int) -> float | None:
        began, ended = ([0.0, *self.tenths][nth] for nth in (first, last))
        return self.jobs * (last - first) / TENTHS / (ended - began) if ended > began else None


async def drain(ground: Ground, crew: Crew, ids: range) -> Drained:
    """Start a worker, wait until all of *ids* have ended, stop the worker, and count."""
    began = time.monotonic()
    async with crew.worker() as worker:
        await ended(ground, crew, ids)
        seconds, used = time.monotonic() - began, worker.cpu_seconds()
    return replace(await examine(ground, crew, ids), worker_cpu_seconds=used, whole_seconds=seconds)


async def ended(ground: Ground, crew: Crew, ids: range) -> None:
    """Wait until each of *ids* has been run and none of them is leased.

    It looks at the workers' own counts and leaves the server alone: any question about `done`, asked again and again
    while the table grows, takes the server's time from those who are measured.

    Raises:
        TimeoutError: No job starts any more, or the last ones do not end.
    """
    numbers = await _numbers(ground, ids)
    seen, since = -1, time.monotonic()
    while (now := crew.executed(numbers)) < len(ids):
        if now > seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > STUCK_SECONDS:
            raise TimeoutError(f"{now:,} of {len(ids):,} jobs were run, and then no more for {STUCK_SECONDS:g} s")
        await asyncio.sleep(_POLL_SECONDS)
    async with asyncio.timeout(STUCK_SECONDS):
        while await ground.value(_LEASED, ids[0], ids[-1]):  # noqa: ASYNC110 - a row that goes sends no event
            await asyncio.sleep(_POLL_SECONDS)


async def examine(ground: Ground, crew: Crew, ids: range) -> Drained:
    """Count what became of *ids*, once the workers have stopped."""
    counts = await count(ground, crew)
    rows = {row["nth"]: row for row in await ground.db.fetch(_TENTHS, ids[0], ids[-1], TENTHS)}
    jobs = sum(row["jobs"] for row in rows.values())
    if not jobs:
        return Drained(0, [1.0] * TENTHS, counts, "nothing was drained")
    # One that was run again ends behind its tenth, which has ended only then.
    tenths = list(accumulate((rows[nth]["seconds"] if nth in rows else 0.0 for nth in range(TENTHS)), max))
    attempts = await ground.db.fetch(
        "select job_id - $1 as place, attempt, outcome = 's' as succeeded from done where job_id between $1 and $2",
        ids[0], ids[-1],
    )  # fmt: skip
    unlike = differing(crew.counts(await _numbers(ground, ids)), map(tuple, attempts))
    return Drained(jobs, tenths, counts, wrong(counts) or unlike)


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
    """What does not add up in all: nothing may be lost, and no job may end twice."""
    if counts["jobs"] != counts["ended"] + counts["waiting"]:
        return f"of {counts['jobs']} jobs, {counts['ended']} have ended and {counts['waiting']} wait"
    if counts["in_two_places"]:
        return f"{counts['in_two_places']} jobs stand in two places"
    if counts["succeeded"] > counts["executed"]:
        return f"{counts['succeeded']} jobs are recorded as succeeded, and {counts['executed']} were run"
    return None


def differing(executed: bytes, endings: Iterable[tuple[int, int, bool]]) -> str | None:
    """What does not add up job by job: each must have ended, and run, and no more often than it was claimed.

    *executed*: how often each ran. *endings*: which have ended, as places in it; after how many attempts; whether they
    succeeded.
    """
    ended, unrun, too_often = 0, 0, 0
    for place, attempts, has_succeeded in endings:
        ended += 1
        unrun += has_succeeded and not executed[place]
        too_often += executed[place] > attempts
    if unrun:
        return f"{unrun} jobs are recorded as succeeded, and were never run"
    if too_often:
        return f"{too_often} jobs ran more often than they were claimed"
    return None if ended == len(executed) else f"{len(executed) - ended} of {len(executed)} jobs have not ended"


async def _numbers(ground: Ground, ids: range) -> range:
    """The numbers of *ids*, which follow each other as the ids do."""
    first = int(await ground.value("select args ->> 'number' from job where id = $1", ids[0]))
    return range(first, first + len(ids))
