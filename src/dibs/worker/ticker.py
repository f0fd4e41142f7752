"""Loops that do a little work now and then, written once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from dibs.storage.link import LinkDownError

log = logging.getLogger("dibs.worker")


class Ticker:
    """Calls *tick* when it is due; *tick* tells in how many seconds it wants to be called again (null: when asked)."""

    def __init__(self, tick: Callable[[], Awaitable[float | None]], *, first_seconds: float | None = None) -> None:
        self._tick = tick
        self._due_at = None if first_seconds is None else monotonic() + first_seconds
        self._sooner = asyncio.Event()

    def due_in(self, seconds: float) -> None:
        """Tick in *seconds*, or sooner if that was due already."""
        due_at = monotonic() + seconds
        if self._due_at is None or due_at < self._due_at:
            self._due_at = due_at
            self._sooner.set()

    async def run(self) -> None:
        """Tick for ever. A failed tick is tried again after a second."""
        while True:
            await self._until_due()
            self._due_at = None
            try:
                pause = await self._tick()
            except LinkDownError as error:
                log.warning("a tick failed, again in a second: %s", error)
                pause = 1.0
            if pause is not None:
                self.due_in(pause)

    async def _until_due(self) -> None:
        while self._due_at is None or (remaining := self._due_at - monotonic()) > 0:
            self._sooner.clear()
            timer = None
            if self._due_at is not None:
                timer = asyncio.get_running_loop().call_later(remaining, self._sooner.set)
            try:
                await self._sooner.wait()
            finally:
                if timer is not None:
                    timer.cancel()
