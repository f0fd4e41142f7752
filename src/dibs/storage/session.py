"""How an operation is driven.

An operation of the engine is a generator: it yields what to run and receives the rows. It decides without doing any
I/O itself, so the same code serves asynchronous and synchronous callers, on every driver. A session drives it: on a
connection of a pool, or on a connection whose open transaction belongs to the caller.
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol, TypeVar

from dibs.domain.errors import ConfigError
from dibs.storage.statement import Copy, Query

Step = Query | Copy
Row = Sequence[Any]
T = TypeVar("T")
Operation = Generator[Step, Sequence[Row], T]


class AsyncSession(Protocol):
    """Drives operations on one connection, asynchronously."""

    async def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction that commits at the end of the block; never a part of one that is open already.

        Raises:
            ConfigError: One is open, or the connection commits each statement by itself.
        """
        ...


class SyncSession(Protocol):
    """Drives operations on one connection, synchronously."""

    def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        ...

    def transaction(self) -> AbstractContextManager[Any]:
        """As that of an `AsyncSession`."""
        ...


def refuse_open(*, is_open: bool) -> None:
    """Raise ConfigError where a transaction would be part of another one, which may yet be rolled back."""
    if is_open:
        raise ConfigError(
            "expected a connection without an open transaction, since this one commits at the end of its block; got "
            "one whose transaction is open: commit it first, or use another connection"
        )


async def drive(operation: Operation[T], execute: Callable[[Step], Awaitable[Sequence[Row]]]) -> T:
    """Run each step with *execute* until the operation returns."""
    try:
        step = next(operation)
        while True:
            step = operation.send(await execute(step))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration does not know its generator


def drive_sync(operation: Operation[T], execute: Callable[[Step], Sequence[Row]]) -> T:
    """Run each step with *execute* until the operation returns."""
    try:
        step = next(operation)
        while True:
            step = operation.send(execute(step))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration does not know its generator
