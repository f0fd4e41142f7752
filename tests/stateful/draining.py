"""The end of a history: whoever worked is long gone, and one healthy worker comes."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from dibs.engine.claim import claim
from dibs.engine.liveness import ensure_queues
from stateful.base import QUEUES
from stateful.model import START
from support.conservation import assert_conserved
from support.engine import Engine

LONG = timedelta(days=400)
"""Longer than any delay, and than any worker may be silent."""


async def drain(engine: Engine, jobs: Iterable[int], now: datetime) -> None:
    """Have everything end; then each of *jobs* has to have one ending, and there must be nothing else."""
    ids = sorted(jobs)
    await engine.move_clock(f"{(now - START + LONG).total_seconds():.0f} seconds")
    worker = await engine.register(*QUEUES)
    await engine.rescue(worker)
    for _ in ids:
        if not (await engine.promote()).count:
            break
    queues = await engine.run(ensure_queues(QUEUES))
    claimed = await engine.run(claim(worker, dict.fromkeys(queues.values(), len(ids) + 1)))
    assert await engine.finish(*claimed) == []
    if await engine.ids("done") != ids:
        stranded = {place: await engine.ids(place) for place in ("lease", "scheduled", "ready")}
        raise AssertionError(f"these jobs were not rescued, promoted or claimed: {stranded}")
    await assert_conserved(engine.connection)
