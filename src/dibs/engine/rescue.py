"""Take back what lost workers held."""

from collections.abc import Sequence
from dataclasses import dataclass

from dibs.storage import statements
from dibs.storage.session import Operation


@dataclass(frozen=True, slots=True)
class Rescued:
    """A job that was taken back."""

    job_id: int
    worker_id: int
    """The worker that was lost."""
    attempt: int
    outcome: str
    """`h`: in line again; `f`: failed, no attempts were left; `c`: cancelled, as was asked for."""


def rescue(worker_id: int, grace_seconds: float) -> Operation[list[Rescued]]:
    """Give up workers that are gone and take back their jobs; *worker_id* is the one that asks."""
    found = yield statements.JOBS_RESCUE(worker_id, grace_seconds)
    return [Rescued(row[0], row[1], row[2], row[3]) for row in found]


def disown(worker_id: int, known_tokens: Sequence[int]) -> Operation[list[int]]:
    """Hand back jobs that the worker holds without knowing; gives their ids."""
    found = yield statements.JOBS_DISOWN(worker_id, sorted(set(known_tokens)))
    return [row[0] for row in found]
