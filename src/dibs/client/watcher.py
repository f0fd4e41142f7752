"""Watch batches: one listening connection for all watchers of a process."""

import asyncio
import contextlib
import logging
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from typing import Final, Protocol, TypeVar

from dibs.domain.batch import BatchProgress
from dibs.engine.batch import batch_progress, unwatch_batch, watch_batch
from dibs.storage.connect import DATABASE_ERRORS
from dibs.storage.link import Link, LinkDownError
from dibs.storage.session import Operation
from dibs.storage.statement import channel

T = TypeVar("T")
log = logging.getLogger("dibs.client")

LOOK_SECONDS: Final = 1.0
"""Without a notification, a watcher looks by itself this often: a notification is a hint, and behind a pooler there is
none."""

DEBOUNCE_SECONDS: Final = 0.05
"""Changes that come closer together than this are told as one."""

KEEP_SECONDS: Final = 30.0
"""For so long a watcher that went away without a word is still announced to."""


class Run(Protocol):
    """Drives an operation on some connection."""

    def __call__(self, operation: Operation[T], /) -> Awaitable[T]:
        """Drive it and give its result."""
        ...


class Watcher:
    """Listens for changes of batches while somebody watches."""

    def __init__(self, dsn: str, schema: str, run: Run) -> None:
        self._run = run
        self._channel = channel(schema, "batch")
        self._link = Link(dsn, schema, name="dibs watcher")
        self._changed: dict[int, set[asyncio.Event]] = defaultdict(set)

    async def watch(self, batch_id: int) -> AsyncIterator[BatchProgress]:
        """Progress of the batch: now, after each change, last when it is finished; nothing for an unknown batch."""
        me, changed = uuid.uuid4(), asyncio.Event()
        self._changed[batch_id].add(changed)
        try:
            last: BatchProgress | None = None
            looks = 0
            while True:
                if looks % int(KEEP_SECONDS / LOOK_SECONDS / 2) == 0:
                    await self._listen()
                    await self._run(watch_batch(batch_id, me, KEEP_SECONDS))
                looks += 1
                was_told = changed.is_set()
                changed.clear()
                progress = await self._run(batch_progress(batch_id))
                if progress is None:
                    return
                if was_told or progress != last:
                    yield progress
                    last = progress
                if progress.is_finished:
                    return
                # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the change.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await changed.wait()
                    await asyncio.sleep(DEBOUNCE_SECONDS)
        finally:
            self._changed[batch_id].discard(changed)
            if not self._changed[batch_id]:
                del self._changed[batch_id]
            with contextlib.suppress(*DATABASE_ERRORS):
                await self._run(unwatch_batch(batch_id, me))

    async def close(self) -> None:
        """Stop listening."""
        await self._link.close()

    async def _listen(self) -> None:
        if self._link.keeps_sessions and not self._link.is_up:
            with contextlib.suppress(LinkDownError):
                await self._link.subscribe({self._channel: self._on_change})

    def _on_change(self, payload: str) -> None:
        if payload.isdecimal():  # anybody can send anything
            for changed in self._changed.get(int(payload), ()):
                changed.set()
