"""The jobs that meetings are about."""

from typing import Any

from dibs.domain.job import ClaimedJob, NewJob
from dibs.domain.outcome import Outcome, Verdict
from dibs.engine.prune import take_turn
from support.engine import Engine, new_job

QUEUE = "mail"
SNOOZED = Outcome(Verdict.SNOOZE, 60.0)


def mail(**fields: Any) -> NewJob:
    return new_job(QUEUE, **{"max_attempts": 3, **fields})


async def a_worker(engine: Engine) -> tuple[int, int]:
    """A worker, and the queue it serves."""
    return await engine.register(QUEUE), await engine.queue(QUEUE)


async def held(engine: Engine, worker: int, *jobs: NewJob) -> list[ClaimedJob]:
    """Jobs that *worker* has claimed."""
    await engine.enqueue(*jobs)
    return await engine.claim(worker, len(jobs), QUEUE)


async def scheduled_and_due(engine: Engine, count: int) -> list[int]:
    jobs = await engine.enqueue(*[mail(delay_seconds=60)] * count)
    await engine.connection.execute("update dibs.scheduled set run_at = dibs.clock()")
    return jobs


async def members(engine: Engine) -> list[ClaimedJob]:
    """Two jobs of a batch that run."""
    worker, _ = await a_worker(engine)
    await engine.batch(mail(), mail())
    return await engine.claim(worker, 2, QUEUE)


async def ended(engine: Engine, outcome: Outcome, *, batch: bool) -> list[int]:
    worker, _ = await a_worker(engine)
    jobs = await members(engine) if batch else await held(engine, worker, mail(), mail())
    await engine.finish(*jobs, outcome=outcome)
    return [job.id for job in jobs]


async def with_turn(engine: Engine) -> int:
    """A worker that has the turn to prune."""
    worker, _ = await a_worker(engine)
    assert await engine.run(take_turn(worker, 60.0))
    return worker
