"""Operations on a synchronous psycopg connection."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from dibs.storage.session import Operation, Row, Step, drive_sync, refuse_open
from dibs.storage.sessions.psycopg_types import commits_at_once, copy_statement, speak_like_asyncpg
from dibs.storage.statement import Copy

T = TypeVar("T")


class OnPsycopgSync:
    """A session on a psycopg connection; what it writes is part of the caller's transaction.

    In autocommit, without a transaction that is open, each operation gets one of its own.
    """

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        if not commits_at_once(self._connection):
            return drive_sync(operation, self.execute)
        with self._connection.transaction():
            return drive_sync(operation, self.execute)

    def transaction(self) -> AbstractContextManager[Any]:
        """A transaction that commits at the end of the block."""
        refuse_open(is_open=self._connection.info.transaction_status != TransactionStatus.IDLE)
        return self._connection.transaction()

    def execute(self, step: Step) -> Sequence[Row]:
        """Run one step and give its rows."""
        with psycopg.RawCursor(self._connection, row_factory=tuple_row) as cursor:
            if isinstance(step, Copy):
                with cursor.copy(copy_statement(step, self._schema)) as copy:
                    for piece in step.pieces():
                        copy.write(piece)
                return ()
            speak_like_asyncpg(cursor)
            cursor.execute(step.statement.text(self._schema).encode(), step.params)
            return cursor.fetchall() if cursor.description else ()
