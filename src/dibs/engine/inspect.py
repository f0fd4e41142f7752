"""Look at jobs, queues and workers."""

from collections.abc import Sequence
from dataclasses import dataclass

from dibs.domain.job import Job
from dibs.domain.state import JobState
from dibs.domain.status import Status, WorkerStatus
from dibs.storage import rows, statements
from dibs.storage.session import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; what is not set lets every job through."""

    state: JobState | None = None
    queue: str | None = None
    task: str | None = None
    batch_id: int | None = None
    before_id: int | None = None


def get_jobs(job_ids: Sequence[int]) -> Operation[list[Job]]:
    """The jobs of these ids that exist, by id."""
    found = yield statements.JOBS_GET(list(job_ids))
    return [rows.job(row) for row in found]


def list_jobs(wanted: JobFilter, limit: int) -> Operation[list[Job]]:
    """The newest jobs that fit, newest first."""
    state = None if wanted.state is None else str(wanted.state)
    found = yield statements.JOBS_LIST(state, wanted.queue, wanted.task, wanted.batch_id, wanted.before_id, limit)
    return [rows.job(row) for row in found]


def list_job_ids(wanted: JobFilter, states: Sequence[JobState], limit: int) -> Operation[list[int]]:
    """The ids of the newest jobs that fit and are in one of *states*, newest first; `wanted.state` does not count."""
    names = [str(state) for state in states]
    found = yield statements.JOBS_LIST_IDS(names, wanted.queue, wanted.task, wanted.batch_id, wanted.before_id, limit)
    return [row[0] for row in found]


def list_workers() -> Operation[tuple[WorkerStatus, ...]]:
    """The workers that are registered, oldest first."""
    workers = yield statements.WORKERS_LIST()
    return tuple(rows.worker_status(row) for row in workers)


def status() -> Operation[Status]:
    """Queues and workers at this moment."""
    queues = yield statements.QUEUES_STATUS()
    workers = yield from list_workers()
    return Status(
        queues=tuple(rows.queue_status(row) for row in queues),
        workers=workers,
    )
