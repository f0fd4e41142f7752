"""Operations on an asynchronous psycopg connection."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from dibs.storage.session import Operation, Row, Step, drive, refuse_open
from dibs.storage.sessions.psycopg_types import commits_at_once, copy_statement, speak_like_asyncpg
from dibs.storage.statement import Copy

T = TypeVar("T")


class OnPsycopg:
    """A session on a psycopg connection; what it writes is part of the caller's transaction.

    In autocommit, without a transaction that is open, each operation gets one of its own.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], schema: str) -> None:
        self._connection = connection
        self._schema = schema

    async def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        if not commits_at_once(self._connection):
            return await drive(operation, self.execute)
        async with self._connection.transaction():
            return await drive(operation, self.execute)

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction that commits at the end of the block."""
        refuse_open(is_open=self._connection.info.transaction_status != TransactionStatus.IDLE)
        return self._connection.transaction()

    async def execute(self, step: Step) -> Sequence[Row]:
        """Run one step and give its rows."""
        async with psycopg.AsyncRawCursor(self._connection, row_factory=tuple_row) as cursor:
            if isinstance(step, Copy):
                async with cursor.copy(copy_statement(step, self._schema)) as copy:
                    for piece in step.pieces():
                        await copy.write(piece)
                return ()
            speak_like_asyncpg(cursor)
            await cursor.execute(step.statement.text(self._schema).encode(), step.params)
            return await cursor.fetchall() if cursor.description else ()
