"""The job that runs here: what a task may ask and tell about itself."""

from collections.abc import Callable
from contextvars import ContextVar
from operator import index
from typing import Any

from dibs.domain.errors import NotRunningError
from dibs.domain.job import ClaimedJob
from dibs.engine.progress import ProgressReport
from dibs.worker.transaction import JobTransaction, Lender

Report = Callable[[ProgressReport], None]


class CurrentJob:
    """The running job, seen from inside its task. Safe to use from the task's thread."""

    __slots__ = ("_job", "_lender", "_report", "cancelled", "is_over", "queue", "worker_id")

    def __init__(self, job: ClaimedJob, queue: str, worker_id: int, report: Report, lender: Lender) -> None:
        self._job = job
        self._report = report
        self._lender = lender
        self.is_over = False
        """True once nothing that the task still does can change how the job ends: its transaction has committed, or was
        refused because others took the job back."""
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
    def token(self) -> int:
        """With the id, it names this attempt and no other. It grows with each attempt, so it serves as a fence."""
        return self._job.token

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

    def transaction(self, connection: Any = None) -> JobTransaction:
        """A transaction whose commit is also the success of the job: `async with job.transaction() as connection`.

        What the task writes on the connection and the ending of the job take effect together or not at all: exactly
        once, however often the task is begun. An error inside the block rolls back, and the job goes on as after any
        error. What the task does behind the block does not change how the job ended, be it that it raises.

        Args:
            connection: Yours, without an open transaction: asyncpg's, psycopg's, SQLAlchemy's or its session. Default:
                in `async with`, an asyncpg connection of the app's pool; in `with`, a new psycopg one.

        Raises:
            LeaseLostError: At the end of the block: the job was taken back from this worker meanwhile.
            NotRunningError: The job has ended already; it has one transaction.
            ConfigError: A transaction is open on *connection*, or it commits each statement by itself; or there is no
                *connection* and no psycopg.
            TypeError: *connection* is of no kind that dibs knows.
        """
        if self.is_over:
            raise NotRunningError(f"job {self.id} has ended with its first transaction; write everything in that one")
        return JobTransaction(self._job, self._lender, connection, self._set_over)

    def _set_over(self) -> None:
        self.is_over = True


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
