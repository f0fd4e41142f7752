"""Operations on an asyncpg connection."""

from collections.abc import Sequence
from typing import TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from dibs.storage.session import Operation, Row, Step, drive
from dibs.storage.statement import Copy

T = TypeVar("T")
Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]


class OnAsyncpg:
    """A session on an asyncpg connection; an open transaction on it is joined."""

    def __init__(self, connection: Connection, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    async def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        return await drive(operation, self.execute)

    async def execute(self, step: Step) -> Sequence[Row]:
        """Run one step and give its rows."""
        if isinstance(step, Copy):
            await self._connection.copy_records_to_table(
                step.table, schema_name=self._schema, columns=step.columns, records=step.records
            )
            return ()
        return await self._connection.fetch(step.statement.text(self._schema), *step.params)
