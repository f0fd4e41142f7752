"""Take jobs from the line, and record the endings of those taken before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import Ended
from dibs.storage import params, rows, statements
from dibs.storage.session import Operation, Row


@dataclass(frozen=True, slots=True)
class Floor:
    """A hint where to begin: in this queue, at this priority, ids below were claimed already."""

    queue_id: int
    priority: int
    job_id: int


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What one round trip brought."""

    claimed: list[ClaimedJob]
    refused: Sequence[int]
    """Jobs whose success was not accepted, because their lease was no longer held."""


def claim(worker_id: int, wanted: Mapping[int, int]) -> Operation[list[ClaimedJob]]:
    """Claim the best jobs of each queue (id to how many), from the very head of the line."""
    found = yield statements.JOBS_CLAIM(worker_id, list(wanted), list(wanted.values()))
    return _best_first(found)


def succeed_and_claim(
    worker_id: int, succeeded: Sequence[ClaimedJob], floors: Sequence[Floor], wanted: Mapping[int, int]
) -> Operation[RoundTrip]:
    """Record successes and claim for the freed slots, beginning at *floors* (best priority first)."""
    found = yield statements.JOBS_SUCCEED_AND_CLAIM(
        worker_id,
        [job.id for job in succeeded],
        [job.token for job in succeeded],
        [floor.queue_id for floor in floors],
        [floor.priority for floor in floors],
        [floor.job_id for floor in floors],
        list(wanted),
        list(wanted.values()),
    )
    claimed = _best_first(found) if found[0][0] is not None else []
    return RoundTrip(claimed, found[0][12] or ())


def finish(ended: Sequence[Ended]) -> Operation[list[int]]:
    """Record outcomes; gives the jobs whose lease was no longer held, for which nothing was changed."""
    found = yield statements.JOBS_FINISH(*params.endings(ended))
    return [row[0] for row in found if row[0] is not None]


def _best_first(found: Sequence[Row]) -> list[ClaimedJob]:
    """The claimed jobs, highest priority first, then in the order of their ids."""
    jobs = [rows.claimed_job(row) for row in found]
    jobs.sort(key=lambda job: (-job.priority, job.id))
    return jobs
