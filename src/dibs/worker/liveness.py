"""The worker's sign of life, from a thread of its own.

A blocked event loop must not look like death, nor a long C call that lets other threads run, so heartbeats are sent
from a thread with its own event loop and its own connection. The same connection listens for notifications and holds
the advisory lock that the server frees the moment the process is gone.

While heartbeats can not be sent, nothing new is started once the worker's time-out is near: others may take its jobs
back. What runs goes on, since a server that was merely restarted still counts the lease as ours; the first heartbeat
that gets through tells, and if the worker was given up, its jobs are interrupted and their endings refused.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from dibs.engine.liveness import Heartbeat, heartbeat, hold
from dibs.storage.link import Link, LinkDownError
from dibs.storage.statement import channel
from dibs.worker.budget import Budget
from dibs.worker.config import WorkerConfig
from dibs.worker.watchdog import LOOK_SECONDS, LoopWatch

log = logging.getLogger("dibs.worker")

SETTLE_SECONDS: Final = 5.0
"""A worker that lost its connection judges nobody for so long: after a failover all others look dead until they, too,
have come back. (After a restart, `heartbeat.sql` looks at how long the server has been up.)"""

LAPSE_SHARE: Final = 0.8
"""Of its time-out, after which a worker that could not renew starts nothing new. The rest is margin for its clock."""

NUDGE_SECONDS: Final = 0.02
"""Notifications of cancelled jobs that come closer together than this are answered with one heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What the liveness thread tells the worker; each is called in the worker's event loop."""

    on_heartbeat: Callable[[Heartbeat, bool], None]
    """A heartbeat got through; with it, whether this worker may judge others by theirs."""
    on_gone: Callable[[int], None]
    """The registration of this id has been given up by others."""
    on_return: Callable[[float], None]
    """A heartbeat got through again; with it, when the last one failed, by this process's clock."""
    on_lapse: Callable[[], None]
    """No heartbeat got through for so long that others may give the worker up."""
    on_broken: Callable[[BaseException], None]
    """The thread came to an end of its own accord, which it never should."""
    on_wake: Callable[[str], None]


class Liveness:
    """The thread that keeps a registration alive."""

    def __init__(self, dsn: str, schema: str, config: WorkerConfig, signals: Signals) -> None:
        self._dsn = dsn
        self._schema = schema
        self._config = config
        self._signals = signals
        self._worker_id = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._renewed_at = monotonic()
        self._nudged = asyncio.Event()

    @property
    def silent_seconds(self) -> float:
        """How long ago the last heartbeat went out that got through."""
        return monotonic() - self._renewed_at

    @property
    def overdue_seconds(self) -> float:
        """For how long a heartbeat should have got through by now."""
        return max(self.silent_seconds - self._config.heartbeat_seconds, 0.0)

    @property
    def has_lapsed(self) -> bool:
        """True when that is so long ago that others may give this worker up."""
        return self.silent_seconds > self._config.timeout_seconds * LAPSE_SHARE

    def start(self, worker_id: int) -> None:
        """Begin to send heartbeats for *worker_id*; notifications go to the loop that calls this."""
        self._worker_id = worker_id
        worker_loop = asyncio.get_running_loop()
        self._loop_watch = LoopWatch(worker_loop, threading.get_ident())
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(worker_loop)), name="dibs-liveness", daemon=True
        )
        self._thread.start()

    def adopt(self, worker_id: int) -> None:
        """From now on, send heartbeats for another registration."""
        self._worker_id = worker_id

    async def stop(self) -> None:
        """Stop, and free the lock."""
        loop, stopped, thread = self._loop, self._stopped, self._thread
        if loop is not None and stopped is not None and thread is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(stopped.set)
            await asyncio.to_thread(thread.join, 5.0)

    async def _run(self, worker_loop: asyncio.AbstractEventLoop) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        beating = asyncio.ensure_future(self._beat_for_ever(worker_loop))
        stopped = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({beating, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if beating.done() and (error := beating.exception()) is not None:
            worker_loop.call_soon_threadsafe(self._signals.on_broken, error)
            return
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating

    async def _beat_for_ever(self, worker_loop: asyncio.AbstractEventLoop) -> None:
        link = Link(self._dsn, self._schema, name="dibs liveness")
        post = worker_loop.call_soon_threadsafe
        watch = asyncio.ensure_future(self._watch_lapse(post))
        self._renewed_at = monotonic()
        seen, held_for, connected_at = 0, 0, monotonic()
        head, since = Budget(), None
        failed_at: float | None = None
        try:
            while True:
                worker_id = self._worker_id
                began = monotonic()
                try:
                    if link.connections != seen or held_for != worker_id:
                        is_held = link.keeps_sessions and await link.run(
                            hold(worker_id), seconds=self._config.timeout_seconds
                        )
                        if link.connections != seen:
                            await self._listen(link, post)
                            seen, connected_at = link.connections, monotonic()
                        held_for = worker_id if is_held else 0
                    from_head = head.is_due
                    beat = await link.run(
                        heartbeat(
                            worker_id,
                            holds_lock=held_for == worker_id,
                            grace_seconds=self._config.grace_seconds,
                            since=None if from_head else since,
                        ),
                        seconds=self._config.timeout_seconds / 3,
                    )
                    if from_head:
                        head.spend(link.took_seconds)
                except LinkDownError as error:
                    log.warning("a heartbeat did not get through: %s", error)
                    held_for = 0
                    failed_at = monotonic()
                    await asyncio.sleep(self._config.heartbeat_seconds / 4)
                    continue
                if failed_at is not None:
                    post(self._signals.on_return, failed_at)
                    failed_at = None
                if beat is None:
                    post(self._signals.on_gone, worker_id)
                else:
                    self._renewed_at = began
                    since = beat.at if from_head else since
                    is_settled = link.connections == 1 or monotonic() - connected_at >= SETTLE_SECONDS
                    post(self._signals.on_heartbeat, beat, is_settled)
                if link.connections == seen:  # else: first of all, listen on the new connection
                    await self._pause()
        finally:
            watch.cancel()
            await link.close()

    async def _pause(self) -> None:
        """Until the next heartbeat is due; it is at once when somebody says that jobs were cancelled."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.heartbeat_seconds):
                await self._nudged.wait()
            await asyncio.sleep(NUDGE_SECONDS)
        self._nudged.clear()

    async def _listen(self, link: Link, post: Callable[..., object]) -> None:
        if not link.keeps_sessions:
            return
        await link.subscribe(
            {
                channel(self._schema, "wake"): lambda payload: _ignore(post(self._signals.on_wake, payload)),
                # Anybody can send one: which jobs are to be cancelled is asked of the tables, with a heartbeat at once.
                channel(self._schema, "cancel"): lambda _: self._nudged.set(),
            }
        )

    async def _watch_lapse(self, post: Callable[..., object]) -> None:
        pause = min(self._config.timeout_seconds * LAPSE_SHARE / 10, LOOK_SECONDS)
        while True:
            await asyncio.sleep(pause)
            self._loop_watch.look()
            if self.has_lapsed:
                post(self._signals.on_lapse)


def _ignore(_: object) -> None:
    """For callbacks that must return nothing."""
