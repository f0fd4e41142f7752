"""Things that a worker process opens once and its tasks share: a model, a client, a pool."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final, Generic, TypeVar, cast

from dibs.domain.errors import NotRunningError

T = TypeVar("T")
log = logging.getLogger("dibs.worker")

CLOSE_SECONDS: Final = 10.0
"""How long one may take to close, and hold up the end of its worker."""

_NOTHING = object()


class Resource(Generic[T]):
    """One thing per worker process: opened before the first claim, closed after the last job."""

    def __init__(self, make: Callable[[], AsyncIterator[T]]) -> None:
        self._make = make
        self._value: object = _NOTHING
        self.name: str = getattr(make, "__qualname__", repr(make))

    def get(self) -> T:
        """What the function yielded.

        Raises:
            NotRunningError: No worker runs here, or it has not come that far.
        """
        if self._value is _NOTHING:
            raise NotRunningError(f"resource {self.name} is open only while a worker runs")
        return cast("T", self._value)

    async def open(self, stack: AsyncExitStack) -> None:
        """Open it, to be closed with *stack*."""
        context = asynccontextmanager(self._make)()
        self._value = await context.__aenter__()
        stack.push_async_callback(self._close, context)

    async def _close(self, context: AbstractAsyncContextManager[T]) -> None:
        """Close it. What goes wrong is said, and neither keeps the others open nor changes how the worker ends."""
        self._value = _NOTHING
        closing = asyncio.ensure_future(context.__aexit__(None, None, None))
        await asyncio.wait({closing}, timeout=CLOSE_SECONDS)
        if not closing.done():
            closing.cancel()  # not waited for: what waits for a half-open connection is not ended by that
            log.error("resource %s was not closed within %g s; it is left behind", self.name, CLOSE_SECONDS)
        elif (error := closing.exception()) is not None:
            log.error("resource %s could not be closed", self.name, exc_info=error)


async def open_all(resources: Sequence[Resource[Any]], stack: AsyncExitStack) -> None:
    """Open *resources* in order; *stack* closes them in reverse."""
    for resource in resources:
        await resource.open(stack)
