"""Things that a worker process opens once and its tasks share: a model, a client, a pool."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Generic, TypeVar, cast

from dibs.domain.errors import NotRunningError

T = TypeVar("T")
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
        self._value = await stack.enter_async_context(asynccontextmanager(self._make)())
        stack.callback(self._forget)

    def _forget(self) -> None:
        self._value = _NOTHING


async def open_all(resources: Sequence[Resource[Any]], stack: AsyncExitStack) -> None:
    """Open *resources* in order; *stack* closes them in reverse."""
    for resource in resources:
        await resource.open(stack)
