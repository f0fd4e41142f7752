"""One attempt at a job, from its arguments to its outcome."""

import asyncio
import functools
import logging
from collections.abc import Awaitable
from contextvars import copy_context
from enum import Enum
from typing import Any

from dibs.domain.errors import JobTimeout
from dibs.domain.job import ClaimedJob
from dibs.domain.limits import DELAY_SECONDS_MAX
from dibs.domain.outcome import CANCELLED, HANDED_BACK, SUCCEEDED, Outcome
from dibs.domain.task import Registry, TaskSpec
from dibs.worker import outcomes
from dibs.worker.current import CurrentJob, current
from dibs.worker.isolate import first_step
from dibs.worker.threads import Threads, ThreadStuckError

log = logging.getLogger("dibs.job")


class Interruption(Enum):
    """Why a running job is interrupted."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    STOPPING = "stopping"
    LEASE_LOST = "lease lost"


def begin(job: ClaimedJob, handle: CurrentJob, registry: Registry, threads: Threads) -> "Outcome | Running":
    """Start the task of *job*: its outcome if it never had to wait, or what runs on. Never raises."""
    current.set(handle)
    spec = registry.find(job.task)
    if spec is None:
        return outcomes.of_unknown_task(job)
    try:
        args, kwargs = registry.arguments(spec, job.args_json)
        context = copy_context()
        rest: Awaitable[Any] | None
        if spec.is_async:
            rest = first_step(spec.function(*args, **kwargs), context)
        else:
            rest = threads.run(functools.partial(spec.function, *args, **kwargs), context)
    except BaseException as error:  # noqa: BLE001 - SystemExit in a task ends the task, not the worker
        return _of_error(job, handle, spec, error)
    return SUCCEEDED if rest is None else Running(job, handle, spec, rest)


class Running:
    """A job that did not end with its first step."""

    def __init__(self, job: ClaimedJob, handle: CurrentJob, spec: TaskSpec, rest: Awaitable[Any]) -> None:
        self.job = job
        self.stuck_thread: asyncio.Future[Any] | None = None
        """A thread that still runs although its attempt has been ended; its slot must wait for it."""
        self._handle = handle
        self._spec = spec
        self._rest = rest
        self._interruption: Interruption | None = None
        self._slot: asyncio.Task[Any] | None = None

    def interrupt(self, why: Interruption) -> None:
        """Stop the task; an async one is cancelled, a thread gets an exception raised in it."""
        if self._interruption is None and self._slot is not None:
            self._interruption = why
            self._handle.cancelled = why is Interruption.CANCELLED
            self._slot.cancel()

    async def end(self, slot: asyncio.Task[Any]) -> Outcome | None:
        """Wait for its end. Gives its outcome, or nothing when the lease was lost meanwhile. Never raises."""
        try:
            await self._within_limit(slot)
        except (asyncio.CancelledError, ThreadStuckError) as error:
            if self._interruption is None:
                return _of_error(self.job, self._handle, self._spec, error)
            self.stuck_thread = error.future if isinstance(error, ThreadStuckError) else None
            return self._interrupted(error)
        except BaseException as error:  # noqa: BLE001 - as in `begin`
            if self._interruption in {None, Interruption.TIMEOUT}:
                return _of_error(self.job, self._handle, self._spec, error)
            return self._interrupted(error)  # it is its answer to being interrupted
        return SUCCEEDED

    async def _within_limit(self, slot: asyncio.Task[Any]) -> None:
        """Await the rest, to be interrupted when it takes longer than allowed."""
        self._slot = slot
        limit = self.job.timeout_seconds or self._spec.timeout_seconds
        timer = None
        if limit is not None and limit <= DELAY_SECONDS_MAX:  # an event loop takes no infinity and no NaN
            timer = asyncio.get_running_loop().call_later(limit, self.interrupt, Interruption.TIMEOUT)
        try:
            await self._rest
        finally:
            self._slot = None
            if timer is not None:
                timer.cancel()

    def _interrupted(self, cause: BaseException) -> Outcome | None:
        match self._interruption:
            case Interruption.CANCELLED:
                return CANCELLED
            case Interruption.STOPPING:
                return HANDED_BACK
            case Interruption.LEASE_LOST:
                return None
            case _:
                limit = self.job.timeout_seconds or self._spec.timeout_seconds
                still = "; its thread did not stop and keeps its slot until it does" if self.stuck_thread else ""
                error = JobTimeout(f"ran longer than its limit of {limit:g} s{still}")
                error.__cause__ = cause  # its traceback tells where the task was
                return _of_error(self.job, self._handle, self._spec, error)


def _of_error(job: ClaimedJob, handle: CurrentJob, spec: TaskSpec, error: BaseException) -> Outcome:
    if not handle.is_over:
        return outcomes.of_error(job, spec, error)
    log.warning("its transaction has ended the job, so this changes nothing: %s", error, exc_info=error)
    return SUCCEEDED  # recorded by the transaction, if it was the job's
