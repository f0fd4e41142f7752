"""One attempt at a job, from its arguments to its outcome."""

import asyncio
import functools
import logging
import random
import traceback
from contextvars import copy_context
from enum import Enum
from typing import Any, Final

import msgspec

from dibs.domain.errors import ArgumentsError, JobTimeout, Snooze
from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import CANCELLED, HANDED_BACK, SUCCEEDED, Failure, Outcome, Verdict
from dibs.domain.retry import Retry
from dibs.domain.task import Registry, TaskSpec
from dibs.worker.current import CurrentJob, Report, current
from dibs.worker.isolate import Started
from dibs.worker.line import Line
from dibs.worker.threads import Threads, ThreadStuckError

log = logging.getLogger("dibs.job")

UNKNOWN_TASK_SECONDS: Final = 15.0
"""A job whose task this worker does not know comes back after so long: a newer worker may be about to start."""


class Interruption(Enum):
    """Why a running job is interrupted."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    STOPPING = "stopping"
    LEASE_LOST = "lease lost"


class Attempt:
    """A slot's attempt at one job. `run` gives the outcome, or nothing when the lease was lost meanwhile."""

    __slots__ = ("_interruption", "_job", "_line", "_slot", "_stuck", "_task", "handle")

    def __init__(self, job: ClaimedJob, line: Line, worker_id: int, report: Report) -> None:
        self._job = job
        self._line = line
        self._interruption: Interruption | None = None
        self._slot: asyncio.Task[Any] | None = None
        self._stuck: asyncio.Future[Any] | None = None
        self.handle = CurrentJob(job, line.name, worker_id, report)

    @property
    def job(self) -> ClaimedJob:
        """The job."""
        return self._job

    @property
    def stuck_thread(self) -> asyncio.Future[Any] | None:
        """A thread that still runs although its attempt has been ended; its slot must wait for it."""
        return self._stuck

    def interrupt(self, why: Interruption) -> None:
        """Stop the task; an async one is cancelled, a thread gets an exception raised in it."""
        if self._interruption is None and self._slot is not None:
            self._interruption = why
            self.handle.cancelled = why is Interruption.CANCELLED
            self._slot.cancel()

    async def run(self, registry: Registry, threads: Threads, slot: asyncio.Task[Any]) -> Outcome | None:
        """Run the job once. Never raises."""
        current.set(self.handle)
        spec = registry.find(self._job.task)
        if spec is None:
            return self._unknown_task()
        try:
            return await self._call(spec, threads, slot)
        except (asyncio.CancelledError, ThreadStuckError) as error:
            if self._interruption is None:
                return self._failed(spec, error)
            self._stuck = error.future if isinstance(error, ThreadStuckError) else None
            return self._interrupted(spec)
        except Snooze as snooze:
            return Outcome(Verdict.SNOOZE, max(snooze.delay_seconds, 0.0))
        except BaseException as error:  # noqa: BLE001 - SystemExit in a task ends the task, not the worker
            return self._failed(spec, error)
        finally:
            while slot.cancelling():
                # By us, to interrupt this job, or by the job itself: in either case this job, and no other.
                slot.uncancel()

    async def _call(self, spec: TaskSpec, threads: Threads, slot: asyncio.Task[Any]) -> Outcome:
        args, kwargs = spec.signature.decode(self._job.args_json)
        context = copy_context()
        if spec.is_async:
            started = Started(spec.function(*args, **kwargs), context)
            if started.is_done:
                return SUCCEEDED
            await self._within_limit(started, spec, slot)
        else:
            call = functools.partial(spec.function, *args, **kwargs)
            await self._within_limit(threads.run(call, context), spec, slot)
        return SUCCEEDED

    async def _within_limit(self, running: Any, spec: TaskSpec, slot: asyncio.Task[Any]) -> None:
        """Await *running*, to be interrupted when it takes longer than allowed."""
        self._slot = slot
        limit = self._job.timeout_seconds or spec.timeout_seconds
        timer = None
        if limit is not None:
            timer = asyncio.get_running_loop().call_later(limit, self.interrupt, Interruption.TIMEOUT)
        try:
            await running
        finally:
            self._slot = None
            if timer is not None:
                timer.cancel()

    def _interrupted(self, spec: TaskSpec) -> Outcome | None:
        match self._interruption:
            case Interruption.CANCELLED:
                return CANCELLED
            case Interruption.STOPPING:
                return HANDED_BACK
            case Interruption.LEASE_LOST:
                return None
            case _:
                limit = self._job.timeout_seconds or spec.timeout_seconds
                still = "; its thread did not stop and keeps its slot until it does" if self._stuck else ""
                return self._failed(spec, JobTimeout(f"ran longer than its limit of {limit:g} s{still}"))

    def _failed(self, spec: TaskSpec, error: BaseException) -> Outcome:
        job = self._job
        failure = _describe(error)
        is_expected = isinstance(error, ArgumentsError) or spec.is_permanent(error)
        if is_expected or job.attempt >= job.max_attempts:
            log.error("failed: %s: %s", failure.error_type, failure.message, exc_info=None if is_expected else error)
            return Outcome(Verdict.FAIL, failure=failure)
        delay = self._retry(spec).delay(job.attempt, random.random)
        log.warning("attempt %d of %d failed, next in %.1f s: %s: %s", job.attempt, job.max_attempts, delay,
                    failure.error_type, failure.message)  # fmt: skip
        return Outcome(Verdict.RETRY, delay, failure)

    def _retry(self, spec: TaskSpec) -> Retry:
        """The job's own policy, or its task's."""
        if self._job.retry_json is None:
            return spec.retry
        try:
            return msgspec.json.decode(self._job.retry_json, type=Retry)
        except msgspec.DecodeError as error:  # written by other means than dibs
            log.warning("the job's retry policy can not be read (%s); its task's is used", error)
            return spec.retry

    def _unknown_task(self) -> Outcome:
        delay = UNKNOWN_TASK_SECONDS * (1 + random.random())  # noqa: S311 - jitter
        log.error("no task is named %r in this worker's app; the job comes back in %.0f s, for a worker that knows it",
                  self._job.task, delay)  # fmt: skip
        return Outcome(Verdict.DEFER, delay)


def _describe(error: BaseException) -> Failure:
    """What is kept of an error, even of one that can not describe itself."""
    name = type(error).__name__
    try:
        return Failure(name, str(error), "".join(traceback.format_exception(error)))
    except Exception as second:  # noqa: BLE001 - an error's own code may do anything
        return Failure(name, f"its description raised {type(second).__name__}")
