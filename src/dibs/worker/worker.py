"""The worker process: how the parts are put together, started and stopped."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic
from typing import Any, Final

from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import HANDED_BACK
from dibs.domain.task import Registry
from dibs.engine.liveness import Heartbeat, Registration, deregister, ensure_queues, register
from dibs.storage.link import Link, LinkDownError
from dibs.worker import logs
from dibs.worker.alarm import Alarm
from dibs.worker.config import WorkerConfig
from dibs.worker.executor import Attempt, Interruption
from dibs.worker.fetcher import Fetcher
from dibs.worker.finisher import Finisher
from dibs.worker.line import Line
from dibs.worker.liveness import Liveness, Signals
from dibs.worker.resources import Resource, open_all
from dibs.worker.threads import INTERRUPT_SECONDS, Threads
from dibs.worker.ticker import Ticker
from dibs.worker.upkeep import SWEEP_SECONDS, TIDY_SECONDS, Upkeep

log = logging.getLogger("dibs.worker")

YIELD_SECONDS: Final = 0.002
"""Jobs that never wait would keep the loop to themselves; so often, others get their turn."""

FLUSH_AT_STOP_SECONDS: Final = 10.0
"""How long the last endings may take to be recorded. When the database is away, rescue does the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What a worker works with."""

    dsn: str
    schema: str
    registry: Registry
    resources: Sequence[Resource[Any]]
    close: Callable[[], Awaitable[None]]
    """Closes what tasks opened through the app: its pool."""


class Worker:
    """One worker process: serves its queues until it is told to stop."""

    def __init__(self, workplace: Workplace, config: WorkerConfig) -> None:
        self._place = workplace
        self._config = config
        self._link = Link(workplace.dsn, workplace.schema, name="dibs worker")
        self._threads = Threads(config.slots)
        self._alarm = Alarm(config.alarm_errors)
        self._attempts: dict[int, Attempt] = {}
        self._lines: list[Line] = []
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._is_alive = asyncio.Event()
        self._renewal: asyncio.Task[None] | None = None
        self._worker_id = 0

    def stop(self) -> None:
        """Stop gracefully; a second call stops without waiting for what runs. Safe in a signal handler."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def run(self) -> int:
        """Serve until `stop` is called.

        Returns:
            The exit code: 0 after a graceful stop, 1 when running jobs were cut short by a second `stop`.

        Raises:
            SchemaError: The tables do not fit this code.
        """
        await self._link.check_schema()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._link.close)
            stack.push_async_callback(self._place.close)
            stack.callback(self._threads.close)
            await open_all(self._place.resources, stack)
            self._finisher = Finisher(self._notify)
            queue_ids = await self._until_done(lambda: ensure_queues(list(self._config.queues)))
            self._lines = [Line(queue_ids[name], name, n) for name, n in self._config.queues.items()]
            self._upkeep = Upkeep(self._link, self._config)
            self._promoter = Ticker(self._upkeep.promote, first_seconds=0.0)
            self._rescuer = Ticker(self._upkeep.rescue, first_seconds=SWEEP_SECONDS)
            self._tidier = Ticker(self._upkeep.tidy, first_seconds=TIDY_SECONDS)
            self._fetcher = Fetcher(
                self._link, self._lines, self._finisher, lambda: list(self._attempts), self._promoter.due_in
            )
            self._liveness = Liveness(self._place.dsn, self._place.schema, self._config, self._signals())
            await self._register()
            self._liveness.start(self._worker_id)
            stack.push_async_callback(self._liveness.stop)
            await self._first_heartbeat()
            await self._serve()
            return 1 if self._hurry.is_set() else 0

    async def _first_heartbeat(self) -> None:
        """Claim nothing before others can see that this worker lives; a stop ends the wait."""
        waits = [asyncio.ensure_future(self._is_alive.wait()), asyncio.ensure_future(self._stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        await _cancel(waits)

    def _signals(self) -> Signals:
        return Signals(
            on_heartbeat=self._on_heartbeat,
            on_gone=self._on_gone,
            on_lapse=lambda: self._hold_back(held_back=True),
            on_wake=self._on_wake,
            on_cancel=self._cancel_named,
        )

    async def _serve(self) -> None:
        parts: list[Coroutine[Any, Any, None]] = [
            self._promoter.run(),
            self._rescuer.run(),
            self._tidier.run(),
        ]
        upkeep = [asyncio.ensure_future(part) for part in parts]
        slots = [asyncio.ensure_future(self._serve_slot(line)) for line in self._lines for _ in range(line.slots)]
        fetching = asyncio.ensure_future(self._fetcher.run())
        stopping = asyncio.ensure_future(self._stop.wait())
        log.info(
            "worker %d serves %s",
            self._worker_id,
            ", ".join(f"{q}:{n}" for q, n in self._config.queues.items()),
        )
        try:
            done, _ = await asyncio.wait({fetching, stopping, *upkeep, *slots}, return_when=asyncio.FIRST_COMPLETED)
            for part in done - {stopping}:
                part.result()  # none of them ends by itself: this raises what went wrong
            await self._wind_down()
        finally:
            await _cancel([*upkeep, fetching, stopping, *slots])
        await self._leave()

    async def _serve_slot(self, line: Line) -> None:
        slot = asyncio.current_task()
        assert slot is not None  # noqa: S101 - for the type checker: coroutines run in tasks
        turn_began = monotonic()
        while True:
            if not self._finisher.has_room:
                await self._finisher.room()
            job = await line.take()
            began = monotonic()
            attempt = self._attempts[job.id] = Attempt(job, line, self._worker_id, self._finisher.report)
            try:
                outcome = await attempt.run(self._place.registry, self._threads, slot)
            finally:
                if self._attempts.get(job.id) is attempt:
                    del self._attempts[job.id]
                now = monotonic()
                line.ended(job, now - began)
            if outcome is not None:
                self._finisher.add(job, outcome)
                if outcome.failure is not None:
                    self._alarm.note_error()
            if attempt.stuck_thread is not None:
                await self._wait_for_thread(line, attempt.stuck_thread)
            if line.is_low:
                self._fetcher.notify()
            if now - turn_began > YIELD_SECONDS:
                await asyncio.sleep(0)
                turn_began = monotonic()

    async def _wait_for_thread(self, line: Line, thread: "asyncio.Future[Any]") -> None:
        """Keep the slot taken while a thread that would not stop still runs."""
        line.running += 1
        try:
            await asyncio.wait({thread})
        finally:
            line.running -= 1
        if not thread.cancelled():
            thread.exception()  # seen: nobody waits for its result any more

    def _notify(self) -> None:
        self._fetcher.notify()

    def _on_wake(self, payload: str) -> None:
        ours = {str(line.queue_id) for line in self._lines}
        if not ours.isdisjoint(payload.split(",")):
            self._fetcher.tell()

    def _on_heartbeat(self, beat: Heartbeat, is_settled: bool) -> None:  # noqa: FBT001 - a callback
        self._is_alive.set()
        self._upkeep.is_settled = is_settled
        self._hold_back(held_back=False)
        if beat.next_due_seconds is not None:
            self._promoter.due_in(max(beat.next_due_seconds, 0.0))
        if beat.has_waiting_jobs:
            self._fetcher.tell()
        if beat.has_suspects and is_settled:
            self._rescuer.due_in(0.0)
        self._cancel(beat.cancelled)

    def _cancel_named(self, payload: str) -> None:
        self._cancel([int(id_) for id_ in payload.split(",")])

    def _cancel(self, job_ids: Sequence[int]) -> None:
        for job_id in job_ids:
            if (attempt := self._attempts.get(job_id)) is not None:
                attempt.interrupt(Interruption.CANCELLED)

    def _hold_back(self, *, held_back: bool) -> None:
        for line in self._lines:
            line.hold_back(held_back=held_back)

    def _on_gone(self, worker_id: int) -> None:
        if worker_id == self._worker_id and self._renewal is None and not self._stop.is_set():
            self._renewal = asyncio.ensure_future(self._renew())

    async def _renew(self) -> None:
        """Others gave this worker up: its leases are not its own any more. Begin anew."""
        log.error("worker %d was given up by others, its jobs were taken back; registering anew", self._worker_id)
        for line in self._lines:
            line.take_back()
        for attempt in list(self._attempts.values()):
            attempt.interrupt(Interruption.LEASE_LOST)
        try:
            await self._register()
            self._liveness.adopt(self._worker_id)
            log.info("worker %d goes on", self._worker_id)
        finally:
            self._renewal = None

    async def _register(self) -> None:
        new = Registration(
            hostname=socket.gethostname(),
            pid=os.getpid(),
            version=version("dibs"),
            queue_ids=[line.queue_id for line in self._lines],
            slots=self._config.slots,
            timeout_seconds=self._config.timeout_seconds,
        )
        self._worker_id = await self._until_done(lambda: register(new))
        self._fetcher.worker_id = self._upkeep.worker_id = self._worker_id
        logs.worker_id = self._worker_id

    async def _until_done(self, operation: Any) -> Any:
        """Run an operation that may be repeated, until the database takes it."""
        while True:
            with contextlib.suppress(LinkDownError):
                return await self._link.run(operation())
            await asyncio.sleep(1.0)

    async def _wind_down(self) -> None:
        """Claim no more, hand back what has not begun, let what runs come to its end, within the time allowed."""
        self._fetcher.is_claiming = False
        unstarted: list[ClaimedJob] = [job for line in self._lines for job in line.take_back()]
        for job in unstarted:
            self._finisher.add(job, HANDED_BACK)
        log.info("stopping: %d jobs run on for %g s at most, %d go back", len(self._attempts),
                 self._config.shutdown_seconds, len(unstarted))  # fmt: skip
        await self._until_idle(self._config.shutdown_seconds)
        for attempt in list(self._attempts.values()):
            attempt.interrupt(Interruption.STOPPING)
        await self._until_idle(INTERRUPT_SECONDS + 1.0, hurry=False)

    async def _until_idle(self, seconds: float, *, hurry: bool = True) -> None:
        hurried = asyncio.ensure_future(self._hurry.wait() if hurry else asyncio.Event().wait())
        try:
            async with asyncio.timeout(seconds):
                while self._attempts and not hurried.done():
                    await asyncio.wait({hurried}, timeout=0.02)
        except TimeoutError:
            pass
        finally:
            hurried.cancel()

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_AT_STOP_SECONDS):
                await self._fetcher.flush()
                await self._link.run(deregister(self._worker_id))
        except (TimeoutError, LinkDownError) as error:
            log.error("could not record everything before the end (%s); others rescue the rest", error)  # noqa: TRY400
        log.info("worker %d has stopped", self._worker_id)

    @property
    def has_stuck_threads(self) -> bool:
        """True when threads still run that did not let themselves be stopped; only the end of the process ends them."""
        return self._threads.are_stuck


async def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
