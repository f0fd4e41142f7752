"""Operations on an asyncpg connection."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from dibs.storage.route import UNTOLD
from dibs.storage.session import Operation, Row, Step, drive, refuse_open
from dibs.storage.statement import Copy

T = TypeVar("T")
# A string: asyncpg's classes take a type argument in the stubs only.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

_NOT_THE_SAME: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)


class OnAsyncpg:
    """A session on an asyncpg connection; an open transaction on it is joined.

    *gets_on* is called before each step, and before each piece of a COPY, which may take long as a whole.
    """

    def __init__(self, connection: Connection, schema: str, *, gets_on: Callable[[], None] = lambda: None) -> None:
        self._connection = connection
        self._schema = schema
        self._gets_on = gets_on

    async def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        return await drive(operation, self.execute)

    async def execute(self, step: Step) -> Sequence[Row]:
        """Run one step and give its rows."""
        self._gets_on()
        if isinstance(step, Copy):
            await self._connection.copy_to_table(
                step.table, schema_name=self._schema, columns=step.columns, source=self._encoded(step)
            )
            return ()
        try:
            rows: Sequence[Any] = await self._connection.fetch(step.statement.text(self._schema), *step.params)
        except _NOT_THE_SAME as error:
            error.hint = UNTOLD
            raise
        return rows

    async def _encoded(self, step: Copy) -> AsyncIterator[bytes]:
        for piece in step.pieces():
            self._gets_on()
            yield piece.encode()


class OnBorrowedAsyncpg(OnAsyncpg):
    """A session on a connection that somebody else set up.

    Without a transaction that is open, each operation gets one of its own.
    """

    async def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        if self._connection.is_in_transaction():
            return await super().run(operation)
        async with self._connection.transaction():
            return await super().run(operation)

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction that commits at the end of the block."""
        refuse_open(is_open=self._connection.is_in_transaction())
        return self._connection.transaction()
