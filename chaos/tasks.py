"""The app whose jobs run under fire. Each execution notes that it began, what it did, and how it ended."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from chaos.notes import FOLDER_VARIABLE, Began, Effect, Ended, How, Notebook, now
from dibs import CurrentJob, Dibs, LeaseLostError, PermanentError, Retry, Snooze, current_job

SLOW: Final = "slow"
"""The queue of jobs that take long enough to be lost in the middle."""

app = Dibs(pool_size=8)
# Faults use attempts up, and that is right; here they must not end most jobs as dead letters.
OFTEN: Final = Retry(attempts=12, delays=[0.1], jitter=1)


@app.task(retry=OFTEN)
async def count(number: int) -> None:  # noqa: ARG001 - by its number, a job is known even if its enqueue was not answered
    """Leave one effect."""
    with _noted() as job:
        _leave_effect(job)


@app.task(retry=OFTEN)
def count_in_thread(number: int) -> None:  # noqa: ARG001
    """The same, in a thread."""
    with _noted() as job:
        time.sleep(0.001)
        _leave_effect(job)


@app.task(queue=SLOW, retry=OFTEN)
async def dawdle(number: int, seconds: float) -> None:  # noqa: ARG001
    """Take a while."""
    with _noted() as job:
        await asyncio.sleep(seconds)
        _leave_effect(job)


@app.task(retry=OFTEN)
async def stumble(number: int, times: int) -> None:  # noqa: ARG001
    """Fail in the first attempts, then succeed."""
    with _noted() as job:
        if job.attempt <= times:
            raise ValueError(f"failure {job.attempt}")
        _leave_effect(job)


@app.task(retry=OFTEN)
async def fall(number: int) -> None:
    """Never succeed."""
    with _noted():
        raise PermanentError(f"number {number} will never work")


@app.task(retry=OFTEN)
async def snooze(number: int) -> None:  # noqa: ARG001
    """Come back later, about once."""
    with _noted() as job:
        if random.random() < 0.5:  # noqa: PLR2004, S311 - a coin
            raise Snooze(0.1)
        _leave_effect(job)


@app.task(retry=OFTEN)
async def settle(number: int) -> None:  # noqa: ARG001
    """Write a row and end in one transaction."""
    with _noted() as job:
        async with job.transaction() as connection:
            await connection.execute("insert into settled values ($1, $2, $3)", job.id, job.token, job.attempt)


@app.task(retry=OFTEN)
def settle_in_thread(number: int) -> None:  # noqa: ARG001
    """The same, in a thread."""
    with _noted() as job, job.transaction() as connection:
        connection.execute("insert into settled values (%s, %s, %s)", (job.id, job.token, job.attempt))


@app.task(queue=SLOW, retry=OFTEN)
async def settle_slowly(number: int, seconds: float) -> None:  # noqa: ARG001
    """The same, with the row written long before the commit."""
    with _noted() as job:
        async with job.transaction() as connection:
            await connection.execute("insert into settled values ($1, $2, $3)", job.id, job.token, job.attempt)
            await asyncio.sleep(seconds)


TRANSACTIONAL: Final = frozenset(task.name for task in (settle, settle_in_thread, settle_slowly))
"""The tasks whose effect is a row that commits with the job's ending."""

CREATE_SETTLED: Final = "create table settled (job_id bigint, token bigint, attempt int)"


@contextmanager
def _noted() -> Iterator[CurrentJob]:
    job, book = current_job(), _notebook()
    book.add(Began(at=now(), job=job.id, token=job.token, attempt=job.attempt, pid=os.getpid()))
    how: How = "raised"
    try:
        yield job
        how = "returned"
    except Snooze:
        how = "snoozed"
        raise
    except LeaseLostError:
        how = "lease lost"
        raise
    finally:
        book.add(Ended(at=now(), job=job.id, token=job.token, attempt=job.attempt, how=how))


def _leave_effect(job: CurrentJob) -> None:
    _notebook().add(Effect(at=now(), job=job.id, token=job.token))


@cache
def _notebook() -> Notebook:
    """Opened by the first job: a producer imports this module, too, and has a file of its own."""
    return Notebook(Path(os.environ[FOLDER_VARIABLE]) / f"worker-{os.getpid()}.jsonl")
