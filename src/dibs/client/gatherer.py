"""Concurrent enqueues of one process, gathered into one statement and one commit.

A lone caller is never delayed: its statement goes out at once. Calls that come while a statement is under way wait for
it to return, and then go out together, with those of the callers that it answered and that call again at once. Each
caller returns only when its jobs are durable.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from dibs.domain.errors import DatabaseUnavailableError
from dibs.domain.job import EnqueuedJob, NewJob
from dibs.storage.connect import DATABASE_ERRORS, is_refusal

STATEMENTS_MAX: Final = 4
"""Statements under way at the same time, at most."""

PATIENCE_SECONDS: Final = 0.02
"""How long calls wait for the statement before them: one that is held up must not hold up all others."""

GATHERED_ROWS_MAX: Final = 500
"""Jobs in one gathered statement."""

Write = Callable[[Sequence[NewJob]], Awaitable[list[EnqueuedJob]]]


@dataclass(slots=True)
class _Call:
    jobs: Sequence[NewJob]
    answer: "asyncio.Future[list[EnqueuedJob]]"


class Gatherer:
    """Gathers calls and hands them to *write*."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: deque[_Call] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def enqueue(self, jobs: Sequence[NewJob]) -> list[EnqueuedJob]:
        """Write *jobs*, with those of other callers. A caller that is cancelled does not take its jobs back."""
        call = _Call(jobs, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._send()
        return await call.answer

    async def drain(self, seconds: float) -> None:
        """Wait until everything that was called for has been answered, for so long at most.

        Callers that still wait then to be sent get a DatabaseUnavailableError: none of their jobs has been written.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._under_way or self._waiting:
                    await asyncio.wait(self._under_way) if self._under_way else await asyncio.sleep(0)
        left = list(self._waiting)
        self._waiting.clear()
        _fail(left, DatabaseUnavailableError("closed before this could be sent; nothing was enqueued"))

    def _send(self) -> None:
        """Send what waits, unless a statement went out a moment ago: then what waits grows until it returns."""
        if not self._waiting or len(self._under_way) >= STATEMENTS_MAX:
            return
        loop = asyncio.get_running_loop()
        if self._under_way and loop.time() < self._sent_at + PATIENCE_SECONDS:
            if self._timer is None:
                self._timer = loop.call_at(self._sent_at + PATIENCE_SECONDS, self._lose_patience)
            return
        self._sent_at = loop.time()
        task = asyncio.ensure_future(self._write_together(self._gather()))
        self._under_way.add(task)
        task.add_done_callback(self._done)
        self._send()

    def _lose_patience(self) -> None:
        self._timer = None
        self._send()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        # After the callers that were answered just now: those that call again go out with what waits.
        asyncio.get_running_loop().call_soon(self._send)

    def _gather(self) -> list[_Call]:
        calls = [self._waiting.popleft()]
        rows = len(calls[0].jobs)
        while self._waiting and rows + len(self._waiting[0].jobs) <= GATHERED_ROWS_MAX:
            calls.append(self._waiting.popleft())
            rows += len(calls[-1].jobs)
        return calls

    async def _write_together(self, calls: list[_Call]) -> None:
        try:
            written = await self._write([job for call in calls for job in call.jobs])
        except DATABASE_ERRORS as error:
            if len(calls) > 1 and is_refusal(error):
                # One caller's bad job must not be the others' error. After any other error it is not known whether
                # the jobs were written, and writing them again might double them.
                for call in calls:
                    await self._write_together([call])
            else:
                _fail(calls, error)
        except BaseException as error:  # noqa: BLE001 - every caller must be answered
            _fail(calls, error)
        else:
            start = 0
            for call in calls:
                end = start + len(call.jobs)
                if not call.answer.done():
                    call.answer.set_result(written[start:end])
                start = end


def _fail(calls: list[_Call], error: BaseException) -> None:
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(error)
