"""Operations on an asynchronous SQLAlchemy connection or session."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session

from dibs.storage.session import Operation, Row, Step, drive
from dibs.storage.sessions.on_sqlalchemy_sync import OnSqlAlchemySync

T = TypeVar("T")


class OnSqlAlchemy:
    """A session inside SQLAlchemy's transaction, begun where it has not been. Over asyncpg and psycopg."""

    def __init__(self, connection: AsyncConnection | AsyncSession, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    async def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        return await drive(operation, self.execute)

    async def execute(self, step: Step) -> Sequence[Row]:
        """Run one step and give its rows."""

        # SQLAlchemy drives asynchronous drivers from synchronous code on a greenlet; so is a step.
        def within(inner: Connection | Session) -> Sequence[Row]:
            return OnSqlAlchemySync(inner, self._schema).execute(step)

        return await self._connection.run_sync(within)
