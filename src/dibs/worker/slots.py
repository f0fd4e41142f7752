"""The places in which jobs run, and the jobs that run in them."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

from dibs.domain.outcome import HANDED_BACK, Outcome
from dibs.domain.task import Registry
from dibs.engine.progress import ProgressReport
from dibs.worker.alarm import Alarm
from dibs.worker.current import CurrentJob
from dibs.worker.executor import Interruption, Running, begin
from dibs.worker.finisher import Finisher
from dibs.worker.line import Line
from dibs.worker.threads import Threads
from dibs.worker.transaction import Lender

log = logging.getLogger("dibs.worker")

YIELD_SECONDS: Final = 0.001
"""Jobs that never wait would keep the loop to themselves; when slots have run for so long, others get their turn."""

IDLE_POLL_SECONDS: Final = 0.02
"""How often a stopping worker looks whether its slots are empty."""


class Slots:
    """Runs what the lines hold, and hands the outcomes to the finisher."""

    def __init__(
        self,
        lines: Sequence[Line],
        finisher: Finisher,
        registry: Registry,
        threads: Threads,
        *,
        alarm: Alarm,
        lender: Lender,
    ) -> None:
        self._lines = lines
        self._lender = lender
        self._finisher = finisher
        self._registry = registry
        self._threads = threads
        self._alarm = alarm
        self._running: dict[int, Running] = {}
        self._turn_began = 0.0
        self._is_turn_over = False
        self._is_closing = False
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self.worker_id = 0

    @property
    def running(self) -> list[int]:
        """The ids of the jobs that run."""
        return list(self._running)

    def tokens(self) -> list[int]:
        """The tokens of the jobs that run."""
        return [running.job.token for running in self._running.values()]

    def close(self) -> None:
        """Take no further job."""
        self._is_closing = True

    def start(self) -> list[asyncio.Task[None]]:
        """One coroutine for each slot; none of them ends by itself."""
        return [asyncio.ensure_future(self._serve(line)) for line in self._lines for _ in range(line.slots)]

    def hold_back(self, *, held_back: bool) -> None:
        """Start no more jobs for now, or go on."""
        for line in self._lines:
            line.hold_back(held_back=held_back)

    def hand_back_stranded(self) -> None:
        """Hand back what waits behind jobs that turned out to be long; called now and then."""
        for line in self._lines:
            if jobs := line.take_back_stranded():
                log.info("handed back %d jobs of queue %s: those before them take long", len(jobs), line.name)
            for job in jobs:
                self._finisher.add(job, HANDED_BACK)

    def hand_back_waiting(self) -> int:
        """Hand back what has not begun, and tell how much that is."""
        unstarted = [job for line in self._lines for job in line.take_back()]
        for job in unstarted:
            self._finisher.add(job, HANDED_BACK)
        return len(unstarted)

    def drop_all(self) -> None:
        """The leases are not ours any more: forget what waits, interrupt what runs."""
        for line in self._lines:
            line.take_back()
        self.interrupt(Interruption.LEASE_LOST)

    def interrupt(self, why: Interruption, job_ids: Sequence[int] | None = None) -> None:
        """Interrupt these jobs, or all, as far as they run here."""
        for job_id in self.running if job_ids is None else job_ids:
            if (running := self._running.get(job_id)) is not None:
                running.interrupt(why)

    async def empty(self, seconds: float, hurry: asyncio.Event) -> None:
        """Wait until nothing runs, for so long at most, or until there is a *hurry*."""
        end = monotonic() + seconds
        hurried = asyncio.ensure_future(hurry.wait())
        while self._running and not hurried.done() and (left := end - monotonic()) > 0:
            await asyncio.wait({hurried}, timeout=min(left, IDLE_POLL_SECONDS))
        hurried.cancel()

    def _report(self, report: ProgressReport) -> None:
        """Take a report of progress, from whichever thread it comes."""
        if threading.get_ident() == self._thread_id:
            self._finisher.report(report)
        else:
            self._loop.call_soon_threadsafe(self._finisher.report, report)

    async def _serve(self, line: Line) -> None:
        slot = asyncio.current_task()
        assert slot is not None  # noqa: S101 - for the type checker: coroutines run in tasks
        while not self._is_closing:
            if self._finisher.is_full:
                await self._finisher.room()
            job = line.next() or await line.take()
            began = monotonic()
            handle = CurrentJob(job, line.name, self.worker_id, self._report, self._lender)
            begun = begin(job, handle, self._registry, self._threads)
            outcome = begun if isinstance(begun, Outcome) else await self._end(begun, slot, line)
            ended = monotonic()
            is_low = line.ended(job, ended - began)
            if outcome is not None and not handle.is_over:
                # Before anything is waited for: a token that is neither running nor ended would be handed back.
                self._finisher.add(job, outcome)
                if outcome.failure is not None:
                    self._alarm.note_error()
            if slot.cancelling():
                await self._end_cancellation(slot)
            if isinstance(begun, Running) and begun.stuck_thread is not None:
                await _outlast(begun.stuck_thread, line)
            if is_low:
                self._finisher.notify()
            if self._is_turn_over or ended - self._turn_began > YIELD_SECONDS:
                await self._next_turn()

    async def _end_cancellation(self, slot: asyncio.Task[Any]) -> None:
        """It was meant for the job, be it by us or by the job itself, and must not reach the next one.

        A job that cancels itself and returns leaves a cancellation behind that the slot's next wait would raise; before
        Python 3.13 `uncancel` does not take it back. So that wait is this one.
        """
        while slot.cancelling() and not self._is_closing:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            slot.uncancel()

    async def _next_turn(self) -> None:
        """Let everything else in the loop have its turn. All slots together have one turn of it."""
        if not self._is_turn_over:
            self._is_turn_over = True
            self._loop.call_soon(self._begin_turn)
        await asyncio.sleep(0)

    def _begin_turn(self) -> None:
        self._is_turn_over = False
        self._turn_began = monotonic()

    async def _end(self, running: Running, slot: asyncio.Task[Any], line: Line) -> Outcome | None:
        """Let a job come to its end; meanwhile it can be interrupted, and other slots may begin."""
        line.feed()
        job_id = running.job.id
        self._running[job_id] = running
        try:
            return await running.end(slot)
        finally:
            if self._running.get(job_id) is running:  # and not a later attempt, claimed after a lost lease
                del self._running[job_id]


async def _outlast(thread: "asyncio.Future[Any]", line: Line) -> None:
    """Keep the slot taken while a thread that would not stop still runs."""
    line.running += 1
    try:
        await asyncio.wait({thread})
    finally:
        line.running -= 1
    if not thread.cancelled():
        thread.exception()  # seen: nobody waits for its result any more
