"""dibs: background jobs for Python on the Postgres you already have."""

from dibs.app import Dibs
from dibs.domain.batch import Batch, BatchProgress
from dibs.domain.errors import (
    ArgumentsError,
    ConfigError,
    DibsError,
    EmbeddedPostgresError,
    JobTimeout,
    NotRunningError,
    PayloadTooLargeError,
    PermanentError,
    SchemaError,
    Snooze,
    UnknownTaskError,
)
from dibs.domain.job import EnqueuedJob, Job, JobProgress, NewJob
from dibs.domain.retry import Retry
from dibs.domain.state import JobState
from dibs.domain.status import QueueStatus, Status, WorkerStatus
from dibs.engine.cancel import Cancelled
from dibs.tasks import Task
from dibs.worker.current import CurrentJob, current_job
from dibs.worker.resources import Resource

__all__ = [
    "ArgumentsError",
    "Batch",
    "BatchProgress",
    "Cancelled",
    "ConfigError",
    "CurrentJob",
    "Dibs",
    "DibsError",
    "EmbeddedPostgresError",
    "EnqueuedJob",
    "Job",
    "JobProgress",
    "JobState",
    "JobTimeout",
    "NewJob",
    "NotRunningError",
    "PayloadTooLargeError",
    "PermanentError",
    "QueueStatus",
    "Resource",
    "Retry",
    "SchemaError",
    "Snooze",
    "Status",
    "Task",
    "UnknownTaskError",
    "WorkerStatus",
    "current_job",
]
