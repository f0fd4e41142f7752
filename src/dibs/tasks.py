"""Tasks as an application uses them: typed, enqueued by name, from async and sync code."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from dibs.domain.errors import ConfigError
from dibs.domain.job import EnqueuedJob, NewJob
from dibs.domain.limits import TAG_LENGTH_MAX, TAGS_MAX
from dibs.domain.retry import Retry, seconds
from dibs.domain.task import (
    TaskSpec,
    check_delay,
    check_priority,
    check_queue,
    check_retry,
    check_run_at,
    check_timeout,
)

P = ParamSpec("P")
R = TypeVar("R")


class Enqueuer(Protocol):
    """What a task needs of its app."""

    async def enqueue_many(self, jobs: Sequence[NewJob], *, connection: Any = None) -> list[EnqueuedJob]:
        """Put jobs in line."""
        ...

    def enqueue_many_sync(self, jobs: Sequence[NewJob], *, connection: Any = None) -> list[EnqueuedJob]:
        """The same, for synchronous code."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one call does differently from its task's policy."""

    queue: str | None = None
    priority: int | None = None
    delay_seconds: float | None = None
    run_at: datetime | None = None
    retry: Retry | None = None
    timeout_seconds: float | None = None
    tags: tuple[str, ...] = ()
    connection: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.queue is not None:
            check_queue(self.queue)
        if self.priority is not None:
            check_priority(self.priority)
        check_timeout(self.timeout_seconds)
        check_retry(self.retry)
        if self.delay_seconds is not None and self.run_at is not None:
            raise ConfigError("give either delay= or run_at=, not both")
        check_delay(self.delay_seconds)
        check_run_at(self.run_at)
        if len(self.tags) > TAGS_MAX or not all(
            0 < len(tag) <= TAG_LENGTH_MAX and tag.isprintable() for tag in self.tags
        ):
            raise ConfigError(
                f"tags are up to {TAGS_MAX} printable strings of up to {TAG_LENGTH_MAX} characters, got {self.tags!r}"
            )


class Task(Generic[P, R]):
    """A function that can be enqueued. Calling it runs the function here and now, as if it were not a task.

    Made by `Dibs.task`.
    """

    def __init__(self, app: Enqueuer, spec: TaskSpec, options: Options | None = None) -> None:
        self._app = app
        self._options = options or Options()
        self.spec = spec
        self.__doc__ = spec.function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function itself."""
        return self.spec.function(*args, **kwargs)  # type: ignore[no-any-return]  # the spec has forgotten its type

    def __repr__(self) -> str:
        return f"<Task {self.spec.name}>"

    @property
    def name(self) -> str:
        """The name under which its jobs are stored."""
        return self.spec.name

    def options(
        self,
        *,
        queue: str | None = None,
        priority: int | None = None,
        delay: float | timedelta | None = None,
        run_at: datetime | None = None,
        retry: Retry | None = None,
        timeout: float | timedelta | None = None,
        tags: Sequence[str] = (),
        connection: Any = None,
    ) -> "Task[P, R]":
        """The same task, to be enqueued differently.

        Args:
            queue: Another queue than the task's.
            priority: Higher goes first; default: the task's.
            delay: Seconds (or a timedelta) from now, by the database's clock, before the job is put in line.
            run_at: A moment with a time zone, instead of *delay*.
            retry: Another policy than the task's.
            timeout: Another time limit than the task's, in seconds (or a timedelta).
            tags: For finding jobs; up to 20 strings.
            connection: Your own connection (asyncpg, psycopg, SQLAlchemy): the job becomes part of its open
                transaction, and exists if that commits.

        Raises:
            ConfigError: A value that can not work.
        """
        changed = Options(
            queue=queue,
            priority=priority,
            delay_seconds=None if delay is None else seconds(delay),
            run_at=run_at,
            retry=retry,
            timeout_seconds=None if timeout is None else seconds(timeout),
            tags=_tags(tags),
            connection=connection,
        )
        return Task(self._app, self.spec, changed)

    def job(self, *args: P.args, **kwargs: P.kwargs) -> NewJob:
        """A job for `Dibs.enqueue_many` and `Dibs.batch`; nothing is written yet.

        Raises:
            ArgumentsError: The arguments do not fit the function's signature.
            PayloadTooLargeError: They take more than 1 MiB as JSON.
        """
        spec, options = self.spec, self._options
        return NewJob(
            task=spec.name,
            args_json=spec.signature.encode(args, kwargs),
            queue=options.queue or spec.queue,
            priority=spec.priority if options.priority is None else options.priority,
            max_attempts=(options.retry or spec.retry).attempts,
            timeout_seconds=options.timeout_seconds,
            retry=options.retry,
            run_at=options.run_at,
            delay_seconds=options.delay_seconds,
            tags=options.tags,
        )

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> EnqueuedJob:
        """Put a job in line. On return it is durable, or part of the transaction open on `options(connection=...)`.

        Raises:
            ArgumentsError: The arguments do not fit the function's signature.
            PayloadTooLargeError: They take more than 1 MiB as JSON.
            SchemaError: The tables are missing or out of date.
        """
        return (await self._app.enqueue_many([self.job(*args, **kwargs)], connection=self._options.connection))[0]

    def enqueue_sync(self, *args: P.args, **kwargs: P.kwargs) -> EnqueuedJob:
        """`enqueue`, for synchronous code. Not for use inside a running event loop, which it would block."""
        return self._app.enqueue_many_sync([self.job(*args, **kwargs)], connection=self._options.connection)[0]


def _tags(tags: Sequence[str]) -> tuple[str, ...]:
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        raise ConfigError(f"tags= takes a list of strings, got {tags!r}")
    return tuple(tags)


def task_name(function: Callable[..., Any]) -> str:
    """The name a function gets when it is given none: module and name, as in `shop.mail.send_receipt`.

    In a script that is run directly, the module is called by its file's name, because that is how a worker imports it.
    """
    module = function.__module__
    if module == "__main__":
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        module = spec.name if spec is not None else Path(getattr(main, "__file__", "__main__")).stem
    return f"{module}.{function.__qualname__}"
