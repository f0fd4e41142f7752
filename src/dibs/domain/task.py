"""What a task is: a function and the policy it runs under."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from typing import Any

from dibs.domain.codec import Signature
from dibs.domain.errors import ConfigError, PermanentError, UnknownTaskError
from dibs.domain.limits import DELAY_SECONDS_MAX, NAME_LENGTH_MAX, PRIORITY_MAX, PRIORITY_MIN, TASK_NAME_LENGTH_MAX
from dibs.domain.retry import Retry
from dibs.domain.sealing import Cipher, open_sealed

_QUEUE_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.:-]{{0,{NAME_LENGTH_MAX - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A function and its policy. Calls may override queue, priority, retry and time limit for one job."""

    name: str
    function: Callable[..., Any]
    signature: Signature
    is_async: bool
    queue: str
    priority: int
    retry: Retry
    timeout_seconds: float | None
    permanent: tuple[type[BaseException], ...]
    """Errors that no retry can mend."""

    def __post_init__(self) -> None:
        check_queue(self.queue)
        check_priority(self.priority)
        check_timeout(self.timeout_seconds)
        check_retry(self.retry)
        error: Any
        for error in self.permanent:
            if not (isinstance(error, type) and issubclass(error, BaseException)):
                raise ConfigError(f"task {self.name}: permanent= takes classes of errors, got {error!r}")
        if not 0 < len(self.name) <= TASK_NAME_LENGTH_MAX or not self.name.isprintable():
            raise ConfigError(
                f"a task's name has 1 to {TASK_NAME_LENGTH_MAX} printable characters, got {self.name[:50]!r}"
            )
        if inspect.isgeneratorfunction(self.function) or inspect.isasyncgenfunction(self.function):
            raise ConfigError(f"task {self.name}: a task is a function or an async function, not a generator")

    def is_permanent(self, error: BaseException) -> bool:
        """True when *error* must not be retried, or, of the errors of a task group, one must not."""
        if isinstance(error, BaseExceptionGroup) and any(self.is_permanent(each) for each in error.exceptions):
            return True
        return isinstance(error, (PermanentError, *self.permanent))


class Registry:
    """The tasks of an app by name. A stored name is only ever looked up here, never imported."""

    def __init__(self, cipher: Cipher | None = None) -> None:
        self._tasks: dict[str, TaskSpec] = {}
        self._cipher = cipher

    def add(self, task: TaskSpec) -> None:
        """Make *task* known.

        Raises:
            ConfigError: Another function has that name already.
        """
        known = self._tasks.get(task.name)
        if known is not None and known.function is not task.function:
            raise ConfigError(f"two tasks are named {task.name!r}; give one of them another name=")
        self._tasks[task.name] = task

    def find(self, name: str) -> TaskSpec | None:
        """The task of that name, if it is known."""
        return self._tasks.get(name)

    def arguments(self, task: TaskSpec, stored: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments for a call of *task*, from what its job holds.

        Raises:
            ArgumentsError: They do not fit the signature.
            DecryptionError: They are encrypted, and can not be opened here.
        """
        return task.signature.decode(open_sealed(self._cipher, task.name, stored))

    def get(self, name: str) -> TaskSpec:
        """The task of that name.

        Raises:
            UnknownTaskError: There is none.
        """
        task = self._tasks.get(name)
        if task is None:
            known = ", ".join(sorted(self._tasks)) or "none"
            raise UnknownTaskError(f"no task is named {name!r}; known are: {known}")
        return task

    def __iter__(self) -> Iterator[TaskSpec]:
        return iter(self._tasks.values())


def check_queue(name: Any) -> None:
    """Raise ConfigError unless *name* can be a queue's."""
    if not isinstance(name, str) or not _QUEUE_NAME.fullmatch(name):
        raise ConfigError(
            f"a queue's name has 1 to {NAME_LENGTH_MAX} letters, digits and _.:- and begins with a letter or digit, "
            f"got {str(name)[:120]!r}"
        )


def check_priority(priority: Any) -> None:
    """Raise ConfigError unless *priority* is in range."""
    if not isinstance(priority, int) or not PRIORITY_MIN <= priority <= PRIORITY_MAX:
        raise ConfigError(f"a priority is a whole number from {PRIORITY_MIN} to {PRIORITY_MAX}, got {priority!r}")


def check_retry(retry: Any) -> None:
    """Raise ConfigError unless *retry* is a policy, or none."""
    if retry is not None and not isinstance(retry, Retry):
        raise ConfigError(f"retry= takes a Retry, as in Retry(attempts=3), got {retry!r}")


def check_timeout(timeout_seconds: float | None) -> None:
    """Raise ConfigError unless the time limit is positive."""
    if timeout_seconds is not None and not timeout_seconds > 0:
        raise ConfigError(f"a time limit is more than zero seconds, got {timeout_seconds}")


def check_delay(delay_seconds: float | None) -> None:
    """Raise ConfigError unless the delay is a number of seconds from now that comes."""
    if delay_seconds is not None and not 0 <= delay_seconds <= DELAY_SECONDS_MAX:
        raise ConfigError(f"a delay is from 0 to {DELAY_SECONDS_MAX:.0f} seconds, got {delay_seconds}")


def check_run_at(run_at: datetime | None) -> None:
    """Raise ConfigError unless *run_at* is a moment that comes: with a time zone, and not the end of all time."""
    if run_at is None:
        return
    if run_at.tzinfo is None:
        raise ConfigError(f"run_at needs a time zone, got {run_at!r}; for UTC: datetime.now(timezone.utc)")
    if run_at.year >= MAXYEAR:
        raise ConfigError(f"run_at must come before the year {MAXYEAR}, got {run_at!r}; to keep a job back, cancel it")
