"""Jobs: what is asked for, what is stored, what a worker holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from dibs.domain.retry import Retry
from dibs.domain.state import JobState


class NewJob(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request to run a task, checked and ready to be enqueued. Made by `Task.job`."""

    task: str
    args_json: str
    """The arguments by name, as JSON."""
    queue: str
    priority: int = 0
    max_attempts: int = 1
    timeout_seconds: float | None = None
    """A time limit of its own; null: the task's."""
    retry: Retry | None = None
    """A retry policy of its own; null: the task's."""
    run_at: datetime | None = None
    delay_seconds: float | None = None
    """Seconds from now, by the database's clock."""
    tags: tuple[str, ...] = ()


class EnqueuedJob(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A job that was written: durable once its transaction has committed."""

    id: int
    task: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job said it had come."""

    completed: int
    total: int | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands in the database at the moment it is read."""

    id: int
    task: str
    queue: str
    state: JobState
    attempt: int
    """Attempts begun so far: 0 before the first claim, 1 while the first one runs."""
    max_attempts: int
    priority: int
    args: Mapping[str, Any]
    tags: tuple[str, ...]
    batch_id: int | None
    enqueued_at: datetime
    run_at: datetime | None
    """When a scheduled job is due."""
    started_at: datetime | None
    """When a worker claimed it last."""
    finished_at: datetime | None
    worker_id: int | None
    reason: str | None
    """Why a scheduled job waits: delay, retry, snooze, suspect (its worker was lost before), unknown task."""
    progress: JobProgress | None
    error: str | None
    """The last attempt's error in one line."""
    traceback: str | None


class ClaimedJob(msgspec.Struct, eq=False, gc=False):
    """A job that a worker holds, in the order of the columns of `jobs/claim.sql`.

    One is made for each claimed job: this kind of class costs a fifth of a dataclass.
    """

    id: int
    token: int
    """The fence: endings and progress are accepted only with it."""
    queue_id: int
    priority: int
    attempt: int
    lost: int
    """Attempts in a row that ended with the loss of a worker."""
    task: str
    args_json: str
    max_attempts: int
    timeout_seconds: float | None
    retry_json: str | None
    batch_id: int | None
