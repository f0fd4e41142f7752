"""The worker process: how the parts are put together, started and stopped."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any, Final, TypeVar

from dibs.domain.errors import ConfigError
from dibs.engine.liveness import Heartbeat, Registration, deregister, ensure_queues, register
from dibs.engine.rescue import disown
from dibs.storage.link import Link, LinkDownError
from dibs.storage.psycopg_connection import import_early
from dibs.worker import logs
from dibs.worker.alarm import Alarm
from dibs.worker.config import WorkerConfig
from dibs.worker.executor import Interruption
from dibs.worker.fetcher import Fetcher
from dibs.worker.finisher import Finisher
from dibs.worker.health import served
from dibs.worker.line import Line
from dibs.worker.liveness import Liveness, Signals
from dibs.worker.pruner import PRUNE_FIRST_SECONDS, Pruner
from dibs.worker.resources import open_all
from dibs.worker.slots import Slots
from dibs.worker.suspects import Suspects
from dibs.worker.threads import INTERRUPT_SECONDS, Threads
from dibs.worker.ticker import Ticker
from dibs.worker.transaction import Lender
from dibs.worker.upkeep import SWEEP_SECONDS, TIDY_SECONDS, Upkeep
from dibs.worker.watchdog import LOOK_SECONDS, STUCK_SECONDS, StuckWatch
from dibs.worker.workplace import Workplace

T = TypeVar("T")
log = logging.getLogger("dibs.worker")

CANCEL_SECONDS: Final = 2.0
"""How long parts of the worker may take to end once they are cancelled."""

FLUSH_AT_STOP_SECONDS: Final = 10.0
"""How long the last endings may take to be recorded. When the database is away, rescue does the rest."""

GOODBYE_SECONDS: Final = 3.0
"""How long saying goodbye may take when there is nothing to record."""

_NO_RIGHT: Final = "42501"
"""What Postgres says to a role that lacks a right. Later on a worker keeps trying: rights may come and go."""


class Worker:
    """One worker process: serves its queues until it is told to stop. Made inside the event loop that runs it."""

    def __init__(self, workplace: Workplace, config: WorkerConfig) -> None:
        self._place = workplace
        self._config = config
        self._link = Link(workplace.dsn, workplace.schema, name="dibs worker")
        self._threads = Threads(config.slots)
        suspects = Suspects()
        self._lines = [Line(name, slots, suspects) for name, slots in config.queues.items()]
        self._finisher = Finisher()
        self._slots = Slots(
            self._lines,
            self._finisher,
            workplace.registry,
            self._threads,
            alarm=Alarm(config.alarm_errors),
            lender=Lender(dsn=workplace.dsn, schema=workplace.schema, pooled=workplace.connection),
        )
        self._upkeep = Upkeep(self._link, config)
        self._promoter = Ticker(self._upkeep.promote, first_seconds=0.0)
        self._rescuer = Ticker(self._upkeep.rescue, first_seconds=SWEEP_SECONDS)
        self._tidier = Ticker(self._upkeep.tidy)
        self._pruner = Pruner(self._link, self._pruning_link, workplace.retention)
        self._pruning = Ticker(self._pruner.tick, first_seconds=PRUNE_FIRST_SECONDS)
        self._doubter = Ticker(self._doubt, first_seconds=SWEEP_SECONDS)
        self._fetcher = Fetcher(self._link, self._lines, self._finisher, self._slots.tokens, self._promoter.due_in)
        self._finisher.notify = self._fetcher.notify
        if not self._link.keeps_sessions:  # else a notification tells, and only those who sleep
            self._upkeep.on_promoted = self._fetcher.tell
        self._liveness = Liveness(workplace.dsn, workplace.schema, config, self._signals())
        self._watching = Ticker(
            StuckWatch(lambda: self.stuck_seconds, config.exit_when_stuck_seconds, self._give_up).tick,
            first_seconds=LOOK_SECONDS,
        )
        self._worker_id = 0
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._is_alive = asyncio.Event()
        self._is_broken = False
        self._renewal: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Stop gracefully; a second call stops without waiting for what runs. Safe in a signal handler."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def run(self) -> int:
        """Serve until `stop` is called.

        Returns:
            The exit code: 0 after a graceful stop, 1 when running jobs were cut short by a second `stop`, or when it
            stopped because it was stuck.

        Raises:
            SchemaError: The tables do not fit this code.
            ConfigError: The server knows no such user, password or database, or gives the user no right to work here.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._link.close)
            stack.push_async_callback(self._place.close)
            stack.callback(self._threads.close)
            try:
                if await self._unless_stopped(self._start(stack)):
                    await self._serve()
            except BaseException:
                await self._leave(hands_back=False)  # what ran may be what went wrong: its attempt counts
                raise
            await self._leave()
            return 1 if self._hurry.is_set() or self._is_broken else 0

    async def _start(self, stack: AsyncExitStack) -> None:
        """Everything up to the moment when the first job may be claimed."""
        await stack.enter_async_context(served(self._config.health_address, self.problems))
        await self._until_done(self._link.check_schema)
        if any(not task.is_async for task in self._place.registry):
            import_early()
        await open_all(self._place.resources, stack)
        await self._register()
        self._liveness.start(self._worker_id)
        stack.push_async_callback(self._liveness.stop)
        await self._is_alive.wait()  # claim nothing before others can see that this worker lives

    async def _unless_stopped(self, start: Coroutine[Any, Any, None]) -> bool:
        """Do *start*, unless a stop comes first; tells whether it was done."""
        starting, stopping = asyncio.ensure_future(start), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if starting.done():
            starting.result()
            return True
        await _cancel([starting])
        return False

    @property
    def is_stopping(self) -> bool:
        """True once it was told to stop."""
        return self._stop.is_set()

    # -- serving -------------------------------------------------------------------------------------------------------

    async def _register(self) -> None:
        queue_ids = await self._until_done(lambda: self._link.run(ensure_queues(list(self._config.queues))))
        for line in self._lines:
            line.queue_id = queue_ids[line.name]
        new = Registration(
            hostname=socket.gethostname(),
            pid=os.getpid(),
            version=version("dibs"),
            queue_ids=[line.queue_id for line in self._lines],
            slots=self._config.slots,
            timeout_seconds=self._config.timeout_seconds,
            holds_lock=self._link.keeps_sessions,
        )
        self._worker_id = await self._until_done(lambda: self._link.run(register(new)))
        self._fetcher.worker_id = self._upkeep.worker_id = self._slots.worker_id = self._worker_id
        self._pruner.worker_id = self._worker_id
        logs.worker_id = self._worker_id

    def _pruning_link(self) -> Link:
        return Link(self._place.dsn, self._place.schema, name="dibs pruner")

    async def _until_done(self, step: Callable[[], Awaitable[T]]) -> T:
        """Do something that may be repeated, until the database takes it."""
        while True:
            try:
                return await step()
            except LinkDownError as error:
                if getattr(error.__cause__, "sqlstate", None) == _NO_RIGHT:
                    raise ConfigError(f"{error}; have the owner of the tables run `dibs grant worker`") from error
                log.warning("not registered yet (%s); again in a second", error)
                await asyncio.sleep(1.0)

    async def _serve(self) -> None:
        fetching = asyncio.ensure_future(self._fetcher.run())
        loops: list[Coroutine[Any, Any, None]] = [
            self._promoter.run(),
            self._rescuer.run(),
            self._tidier.run(),
            self._pruning.run(),
            self._doubter.run(),
            self._watching.run(),
        ]
        parts = [fetching, *self._slots.start(), *(asyncio.ensure_future(loop) for loop in loops)]
        stopping = asyncio.ensure_future(self._stop.wait())
        queues = ", ".join(f"{queue}:{slots}" for queue, slots in self._config.queues.items())
        log.info("worker %d serves %s", self._worker_id, queues)
        if not self._link.keeps_sessions:
            log.info("behind a pooler: it looks for jobs twice a second, and nobody is told sooner that it is gone")
        try:
            done, _ = await asyncio.wait({stopping, *parts}, return_when=asyncio.FIRST_COMPLETED)
            for part in done - {stopping}:
                part.result()  # none of them ends by itself: this raises what went wrong
            await self._wind_down()
        finally:
            self._slots.close()
            self._fetcher.stop()
            if self._link.is_up:  # else there is no answer to wait for
                await asyncio.wait({fetching}, timeout=FLUSH_AT_STOP_SECONDS)
            await _cancel([stopping, *parts, *filter(None, [self._renewal])])

    def problems(self) -> list[str]:
        """Why this worker does not do its work at the moment; empty when it does."""
        found = []
        if not self._is_alive.is_set():
            found.append("it is still starting")
        elif self._liveness.has_lapsed:
            found.append(f"no heartbeat got through for {self._liveness.silent_seconds:.0f} s")
        if self.stuck_seconds >= STUCK_SECONDS:
            found.append(f"no claim or ending got through for {self.stuck_seconds:.0f} s")
        return found

    @property
    def stuck_seconds(self) -> float:
        """For how long nothing has got through to the database; a worker without a job notices by its heartbeats."""
        return max(self._fetcher.stuck_seconds, self._liveness.overdue_seconds if self._is_alive.is_set() else 0.0)

    def _give_up(self) -> None:
        self._is_broken = True
        if not self._stop.is_set():  # a second one would not wait for what runs
            self.stop()

    async def _doubt(self) -> float:
        self._fetcher.doubt()
        return SWEEP_SECONDS

    # -- what the liveness thread tells --------------------------------------------------------------------------------

    def _signals(self) -> Signals:
        return Signals(
            on_heartbeat=self._on_heartbeat,
            on_gone=self._on_gone,
            on_return=self._link.give_up_older,
            on_lapse=lambda: self._slots.hold_back(held_back=True),
            on_broken=self._on_broken,
            on_wake=self._on_wake,
        )

    def _on_heartbeat(self, beat: Heartbeat, is_settled: bool) -> None:  # noqa: FBT001 - a callback
        self._is_alive.set()
        self._upkeep.is_settled = is_settled
        self._slots.hold_back(held_back=False)
        self._slots.hand_back_stranded()
        if beat.next_due_seconds is not None:
            self._promoter.due_in(max(beat.next_due_seconds, 0.0))
        if beat.has_waiting_jobs:
            self._fetcher.tell()
        if beat.has_suspects and is_settled:
            self._rescuer.due_in(0.0)
        if beat.is_untidy:
            self._tidier.due_in(TIDY_SECONDS)
        self._cancel(beat.cancelled)

    def _on_broken(self, error: BaseException) -> None:
        log.critical("heartbeats have ended, which they never should; stopping", exc_info=error)
        self._give_up()

    def _on_wake(self, payload: str) -> None:
        ours = {str(line.queue_id) for line in self._lines}
        if not ours.isdisjoint(payload.split(",")):
            self._fetcher.tell()

    def _cancel(self, job_ids: Sequence[int]) -> None:
        self._slots.interrupt(Interruption.CANCELLED, job_ids)

    def _on_gone(self, worker_id: int) -> None:
        if worker_id == self._worker_id and self._renewal is None and not self._stop.is_set():
            self._renewal = asyncio.ensure_future(self._renew())

    async def _renew(self) -> None:
        """Others gave this worker up: its leases are not its own any more. Begin anew."""
        log.error("worker %d was given up by others, its jobs were taken back; registering anew", self._worker_id)
        self._slots.drop_all()
        try:
            await self._register()
            self._liveness.adopt(self._worker_id)
            log.info("worker %d goes on", self._worker_id)
        finally:
            self._renewal = None

    # -- stopping ------------------------------------------------------------------------------------------------------

    async def _wind_down(self) -> None:
        """Claim no more, hand back what has not begun, let what runs come to its end, within the time allowed."""
        self._fetcher.is_claiming = False
        handed_back = self._slots.hand_back_waiting()
        log.info(
            "stopping: %d jobs run on for %g s at most, %d go back",
            len(self._slots.running),
            self._config.shutdown_seconds,
            handed_back,
        )
        await self._slots.empty(self._config.shutdown_seconds, self._hurry)
        if cut_short := len(self._slots.running):
            log.warning("stopping: %d jobs still run; they are interrupted and go back", cut_short)
        self._slots.interrupt(Interruption.STOPPING)
        await self._slots.empty(INTERRUPT_SECONDS + 1.0, asyncio.Event())

    async def _leave(self, *, hands_back: bool = True) -> None:
        """Record what ended and say goodbye. What is still leased then goes back, or is for others to rescue."""
        if not self._worker_id:
            return
        seconds = GOODBYE_SECONDS if self._finisher.is_empty else FLUSH_AT_STOP_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await self._fetcher.flush()
                await self._link.run(deregister(self._worker_id))
                # A claim that was cut off on its way may have been committed all the same. Deregistering has waited for
                # it, since it locks the worker's row; what it took has not begun. What did begin and does not let
                # itself be stopped goes back with it, as those do that were interrupted in time.
                if hands_back and (left := await self._link.run(disown(self._worker_id, []))):
                    log.info("handed back %d jobs that were still leased", len(left))
        except (TimeoutError, LinkDownError) as error:
            why = str(error) or f"no answer within {seconds:g} s"
            log.error("could not record everything before the end (%s); others rescue the rest", why)  # noqa: TRY400
        log.info("worker %d has stopped", self._worker_id)


async def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel, and wait for a while: a job that does not let itself be cancelled must not hold up the others."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
