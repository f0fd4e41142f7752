"""The engine's statements with parameters that the engine itself makes, for drivers other than its own."""

from collections.abc import Sequence
from typing import Any, cast

from benchmarks.limits.lines import Held, Line
from dibs.domain.job import ClaimedJob, NewJob
from dibs.domain.outcome import SUCCEEDED, Ended
from dibs.engine.claim import finish, succeed_and_claim
from dibs.engine.enqueue import enqueue
from dibs.storage.session import Operation
from dibs.storage.statement import Query


def next_query(line: Line, held: Sequence[Held], *, floor: int, limit: int) -> Query:
    """Record the successes of *held* and claim up to *limit* jobs from *floor* on."""
    ended = cast("Sequence[ClaimedJob]", held)  # of a claimed job, its ending needs no more than this
    return _first(succeed_and_claim(line.worker_id, ended, [line.floor(floor)], {line.queue_id: limit}))


def finish_query(held: Sequence[Held]) -> Query:
    """Record the successes of *held* with the statement that takes every outcome."""
    return _first(finish([Ended(job.id, job.token, SUCCEEDED) for job in held]))


def enqueue_query(jobs: Sequence[NewJob]) -> Query:
    """Write *jobs* in one statement."""
    return _first(enqueue(jobs))


def _first(operation: Operation[Any]) -> Query:
    """The first statement of an operation."""
    step = next(operation)
    assert isinstance(step, Query)  # noqa: S101 - none of these begins with COPY
    return step
