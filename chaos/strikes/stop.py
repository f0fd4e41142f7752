"""Stop a worker past its time-out, and let it go on at the worst moment: when its jobs run elsewhere."""

import asyncio
import random
import signal
from time import monotonic
from typing import Final

from chaos.crew import TIMEOUT_SECONDS
from chaos.notes import now
from chaos.strikes.site import Site
from chaos.tasks import SLOW

ENOUGH: Final = 4
"""Slow jobs that a worker should hold when it is stopped: so that some are there to be ended twice."""

PATIENCE_SECONDS: Final = 5.0
"""How long to wait for that. A worker that has just been given up holds none."""

_HELD_AND_SLOW: Final = """
select l.job_id from dibs.lease l
join dibs.worker w on w.id = l.worker_id
join dibs.job j on j.id = l.job_id
join dibs.queue q on q.id = j.queue_id
where w.pid = $1 and q.name = $2
"""
_RUNS_ELSEWHERE: Final = """
select exists (
  select from dibs.lease l join dibs.worker w on w.id = l.worker_id
  where l.job_id = any($1) and w.pid <> $2 and l.leased_at < dibs.clock() - interval '0.2 s')
"""
"""Not one that has only just been claimed: a worker that runs a suspect already hands others back at once."""


async def strike(site: Site, chance: random.Random) -> None:
    """SIGSTOP, then SIGCONT when another worker has begun a slow job of its, or long after its time-out."""
    async with site.crew.victim(chance) as seat:
        pid = seat.pid
        await _until_it_holds_some(site, pid)
        since = now()
        seat.send(signal.SIGSTOP)
        try:
            held = await _held(site, pid)
            until = monotonic() + TIMEOUT_SECONDS * chance.uniform(2.0, 3.0)
            await _until_they_run_elsewhere(site, held, pid, until)
        finally:
            seat.send(signal.SIGCONT)
        site.note("stop", since, pid, how="jobs ran elsewhere" if monotonic() < until else "waited in vain")


async def _held(site: Site, pid: int) -> list[int]:
    """The slow jobs of a worker."""
    return [row[0] for row in await site.server.ask(_HELD_AND_SLOW, pid, SLOW)]


async def _until_it_holds_some(site: Site, pid: int) -> None:
    until = monotonic() + PATIENCE_SECONDS
    while monotonic() < until and len(await _held(site, pid)) < ENOUGH:  # noqa: ASYNC110 - as below
        await asyncio.sleep(0.05)


async def _until_they_run_elsewhere(site: Site, held: list[int], pid: int, until: float) -> None:
    async def do_they() -> bool:
        return bool((await site.server.ask(_RUNS_ELSEWHERE, held, pid))[0][0])

    while monotonic() < until and not await do_they():  # noqa: ASYNC110 - a row that appears sends no event
        await asyncio.sleep(0.05)
