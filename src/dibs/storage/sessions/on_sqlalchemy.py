"""Operations on an asynchronous SQLAlchemy connection or session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session

from dibs.storage.session import Operation, refuse_open
from dibs.storage.sessions.on_sqlalchemy_sync import OnSqlAlchemySync, refuse_autocommit

T = TypeVar("T")


class OnSqlAlchemy:
    """A session inside SQLAlchemy's transaction, begun where it has not been. Over asyncpg and psycopg."""

    def __init__(self, connection: AsyncConnection | AsyncSession, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    async def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""

        # SQLAlchemy drives asynchronous drivers from synchronous code on a greenlet; so is the operation.
        def within(inner: Connection | Session) -> T:
            return OnSqlAlchemySync(inner, self._schema).run(operation)

        return await self._connection.run_sync(within)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction that commits at the end of the block."""
        refuse_open(is_open=self._connection.in_transaction())
        async with self._connection.begin():
            await self._connection.run_sync(refuse_autocommit)
            yield
