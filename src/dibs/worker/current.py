"""The job that runs here: what a task may ask and tell about itself."""

from collections.abc import Callable
from contextvars import ContextVar
from operator import index

from dibs.domain.errors import NotRunningError
from dibs.domain.job import ClaimedJob
from dibs.engine.progress import ProgressReport

Report = Callable[[ProgressReport], None]


class CurrentJob:
    """The running job, seen from inside its task. Safe to use from the task's thread."""

    __slots__ = ("_job", "_report", "cancelled", "queue", "worker_id")

    def __init__(self, job: ClaimedJob, queue: str, worker_id: int, report: Report) -> None:
        self._job = job
        self._report = report
        self.queue = queue
        """The queue it was claimed from."""
        self.worker_id = worker_id
        self.cancelled = False
        """True once somebody asked for its end. An async task is interrupted besides; a thread should look here."""

    @property
    def id(self) -> int:
        """The job's id; the same in every attempt, so it serves as an idempotency key."""
        return self._job.id

    @property
    def task(self) -> str:
        """The task's name."""
        return self._job.task

    @property
    def batch_id(self) -> int | None:
        """The batch it belongs to, if any."""
        return self._job.batch_id

    @property
    def attempt(self) -> int:
        """Which attempt this is; the first is 1."""
        return self._job.attempt

    @property
    def attempts_left(self) -> int:
        """How many more attempts follow if this one fails."""
        return max(self._job.max_attempts - self._job.attempt, 0)

    @property
    def is_last_attempt(self) -> bool:
        """True when a failure now is final."""
        return self.attempts_left == 0

    def progress(self, completed: int, total: int | None = None, message: str | None = None) -> None:
        """Tell how far it has come. Cheap: only the newest report is written, a few times a second at most.

        Raises:
            TypeError: *completed* or *total* is not a whole number, or *message* is not a string.
        """
        if message is not None and not isinstance(message, str):
            raise TypeError(f"progress: message is a string, got {message!r}")
        whole = None if total is None else index(total)
        self._report(ProgressReport(self._job.id, self._job.token, index(completed), whole, message))


current: ContextVar[CurrentJob] = ContextVar("dibs_current_job")


def current_job() -> CurrentJob:
    """The job that runs here.

    Raises:
        NotRunningError: Called outside of a task that a worker runs.
    """
    try:
        return current.get()
    except LookupError:
        raise NotRunningError("there is no current job here: current_job() is for code that a worker runs") from None
