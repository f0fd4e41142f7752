"""Event streams, which end when the process does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


class Streams:
    """Passes on what streams bring until `close`."""

    def __init__(self) -> None:
        self._is_closed = False
        self._ends: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def close(self) -> None:
        """End all streams. Safe in a signal handler."""
        self._is_closed = True
        for end, loop in list(self._ends.items()):
            loop.call_soon_threadsafe(end.set)

    async def until_closed(self, stream: AsyncIterator[T]) -> AsyncIterator[T]:
        """What *stream* brings, until it ends or all are closed."""
        end = asyncio.Event()
        self._ends[end] = asyncio.get_running_loop()
        ended = asyncio.ensure_future(end.wait())
        try:
            while not self._is_closed:
                coming = asyncio.ensure_future(anext(stream))
                await asyncio.wait({coming, ended}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await coming
                    return
                try:
                    item = coming.result()
                except StopAsyncIteration:
                    return
                yield item
        finally:
            ended.cancel()
            del self._ends[end]
