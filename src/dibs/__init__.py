"""dibs: background jobs for Python on the Postgres you already have.

A name is imported when it is first asked for, so that `dibs --help` does not wait for what only a worker needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dibs.app import Dibs
    from dibs.domain.batch import Batch, BatchProgress
    from dibs.domain.errors import (
        ArgumentsError,
        ConfigError,
        DatabaseUnavailableError,
        DecryptionError,
        DibsError,
        EmbeddedPostgresError,
        JobTimeout,
        LeaseLostError,
        NotRunningError,
        PayloadTooLargeError,
        PermanentError,
        SchemaError,
        Snooze,
        UnknownTaskError,
    )
    from dibs.domain.job import EnqueuedJob, Job, JobProgress, NewJob
    from dibs.domain.retention import Retention
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
    "DatabaseUnavailableError",
    "DecryptionError",
    "Dibs",
    "DibsError",
    "EmbeddedPostgresError",
    "EnqueuedJob",
    "Job",
    "JobProgress",
    "JobState",
    "JobTimeout",
    "LeaseLostError",
    "NewJob",
    "NotRunningError",
    "PayloadTooLargeError",
    "PermanentError",
    "QueueStatus",
    "Resource",
    "Retention",
    "Retry",
    "SchemaError",
    "Snooze",
    "Status",
    "Task",
    "UnknownTaskError",
    "WorkerStatus",
    "current_job",
]

_HOMES = {
    "ArgumentsError": "dibs.domain.errors",
    "Batch": "dibs.domain.batch",
    "BatchProgress": "dibs.domain.batch",
    "Cancelled": "dibs.engine.cancel",
    "ConfigError": "dibs.domain.errors",
    "CurrentJob": "dibs.worker.current",
    "DatabaseUnavailableError": "dibs.domain.errors",
    "DecryptionError": "dibs.domain.errors",
    "Dibs": "dibs.app",
    "DibsError": "dibs.domain.errors",
    "EmbeddedPostgresError": "dibs.domain.errors",
    "EnqueuedJob": "dibs.domain.job",
    "Job": "dibs.domain.job",
    "JobProgress": "dibs.domain.job",
    "JobState": "dibs.domain.state",
    "JobTimeout": "dibs.domain.errors",
    "LeaseLostError": "dibs.domain.errors",
    "NewJob": "dibs.domain.job",
    "NotRunningError": "dibs.domain.errors",
    "PayloadTooLargeError": "dibs.domain.errors",
    "PermanentError": "dibs.domain.errors",
    "QueueStatus": "dibs.domain.status",
    "Resource": "dibs.worker.resources",
    "Retention": "dibs.domain.retention",
    "Retry": "dibs.domain.retry",
    "SchemaError": "dibs.domain.errors",
    "Snooze": "dibs.domain.errors",
    "Status": "dibs.domain.status",
    "Task": "dibs.tasks",
    "UnknownTaskError": "dibs.domain.errors",
    "WorkerStatus": "dibs.domain.status",
    "current_job": "dibs.worker.current",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module it lives in."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
