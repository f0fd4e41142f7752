"""Applications that lend a connection: each kind of connection, with the same few things one does with it."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import psycopg
import sqlalchemy
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncEngine, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import scoped_session, sessionmaker

from dibs.storage.borrow import async_session, sync_session
from dibs.storage.session import Operation
from dibs.storage.sessions.on_sqlalchemy_sync import OnSqlAlchemySync

T = TypeVar("T")
SCHEMA = "dibs"


class Caller(ABC):
    """A connection with a transaction open, or about to be."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def run(self, operation: Operation[T]) -> T:
        return await async_session(self.connection, SCHEMA).run(operation)

    @abstractmethod
    async def sql(self, sql: str) -> Any:
        """Run the caller's own statement, and give its first value."""

    @abstractmethod
    async def commit(self) -> None: ...

    @abstractmethod
    async def rollback(self) -> None: ...

    @abstractmethod
    def undone_savepoint(self) -> AbstractAsyncContextManager[None]:
        """A savepoint that is rolled back at the end, whatever happened inside."""


class AsyncpgCaller(Caller):
    def __init__(self, connection: Any, transaction: Any) -> None:
        super().__init__(connection)
        self._transaction = transaction

    async def sql(self, sql: str) -> Any:
        return await self.connection.fetchval(sql)

    async def commit(self) -> None:
        await self._transaction.commit()

    async def rollback(self) -> None:
        await self._transaction.rollback()

    @asynccontextmanager
    async def undone_savepoint(self) -> AsyncIterator[None]:
        savepoint = self.connection.transaction()
        await savepoint.start()
        try:
            yield
        finally:
            await savepoint.rollback()


class PsycopgCaller(Caller):
    async def sql(self, sql: str) -> Any:
        row = await (await self.connection.execute(sql)).fetchone()
        return next(iter(row.values()))

    async def commit(self) -> None:
        await self.connection.commit()

    async def rollback(self) -> None:
        await self.connection.rollback()

    @asynccontextmanager
    async def undone_savepoint(self) -> AsyncIterator[None]:
        async with self.connection.transaction(force_rollback=True):
            yield


class PsycopgSyncCaller(Caller):
    async def run(self, operation: Operation[T]) -> T:
        return sync_session(self.connection, SCHEMA).run(operation)

    async def sql(self, sql: str) -> Any:
        return next(iter(self.connection.execute(sql).fetchone().values()))

    async def commit(self) -> None:
        self.connection.commit()

    async def rollback(self) -> None:
        self.connection.rollback()

    @asynccontextmanager
    async def undone_savepoint(self) -> AsyncIterator[None]:
        with self.connection.transaction(force_rollback=True):
            yield


class SqlAlchemyCaller(Caller):
    async def sql(self, sql: str) -> Any:
        return (await self.connection.execute(sqlalchemy.text(sql))).scalar()

    async def commit(self) -> None:
        await self.connection.commit()

    async def rollback(self) -> None:
        await self.connection.rollback()

    @asynccontextmanager
    async def undone_savepoint(self) -> AsyncIterator[None]:
        savepoint = await self.connection.begin_nested()
        try:
            yield
        finally:
            await savepoint.rollback()


class SqlAlchemyInsideRunSync(SqlAlchemyCaller):
    """Synchronous code of an asynchronous application."""

    async def run(self, operation: Operation[T]) -> T:
        return await self.connection.run_sync(lambda inner: sync_session(inner, SCHEMA).run(operation))


class SqlAlchemySyncCaller(Caller):
    async def run(self, operation: Operation[T]) -> T:
        session = sync_session(self.connection, SCHEMA)
        assert isinstance(session, OnSqlAlchemySync)
        return session.run(operation)

    async def sql(self, sql: str) -> Any:
        return self.connection.execute(sqlalchemy.text(sql)).scalar()

    async def commit(self) -> None:
        self.connection.commit()

    async def rollback(self) -> None:
        self.connection.rollback()

    @asynccontextmanager
    async def undone_savepoint(self) -> AsyncIterator[None]:
        savepoint = self.connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()


@asynccontextmanager
async def asyncpg_connection(url: str) -> AsyncIterator[Caller]:
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    yield AsyncpgCaller(connection, transaction)
    await connection.close()


@asynccontextmanager
async def asyncpg_with_json_codec(url: str) -> AsyncIterator[Caller]:
    async with asyncpg_connection(url) as caller:
        for kind in ("json", "jsonb"):
            await caller.connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        yield caller


@asynccontextmanager
async def asyncpg_pooled(url: str) -> AsyncIterator[Caller]:
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool, pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield AsyncpgCaller(connection, transaction)


@asynccontextmanager
async def psycopg_connection(url: str) -> AsyncIterator[Caller]:
    async with await psycopg.AsyncConnection.connect(url, row_factory=dict_row) as connection:
        yield PsycopgCaller(connection)


@asynccontextmanager
async def psycopg_sync_connection(url: str) -> AsyncIterator[Caller]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield PsycopgSyncCaller(connection)


Open = Callable[[str], AbstractAsyncContextManager[Caller]]


def async_engine(url: str, driver: str, **options: Any) -> AsyncEngine:
    """SQLAlchemy's, whose asyncpg takes no DSN by itself: of libpq's parameters it knows none."""
    if driver == "asyncpg":
        return create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), **options)
    return create_async_engine(url.replace("postgresql:", f"postgresql+{driver}:", 1), **options)


def engine(url: str, **options: Any) -> sqlalchemy.Engine:
    """SQLAlchemy's, on psycopg."""
    return sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1), **options)


def _sqlalchemy(driver: str, borrow: Callable[..., Any], caller: type[Caller] = SqlAlchemyCaller) -> Open:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Caller]:
        own = async_engine(url, driver)
        connection = borrow(own)
        yield caller(await connection if isinstance(connection, Awaitable) else connection)
        await connection.close()
        await own.dispose()

    return opened


def _sqlalchemy_sync(borrow: Callable[..., Any]) -> Open:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Caller]:
        own = engine(url)
        with borrow(own) as connection:
            yield SqlAlchemySyncCaller(connection)
        own.dispose()

    return opened


def _scoped(engine: Any) -> Any:
    return async_scoped_session(async_sessionmaker(engine), scopefunc=lambda: 0)


CALLERS: dict[str, Open] = {
    "asyncpg": asyncpg_connection,
    "asyncpg-pooled": asyncpg_pooled,
    "asyncpg-json-codec": asyncpg_with_json_codec,
    "psycopg": psycopg_connection,
    "psycopg-sync": psycopg_sync_connection,
    "sqlalchemy-asyncpg-connection": _sqlalchemy("asyncpg", lambda engine: engine.connect()),
    "sqlalchemy-asyncpg-session": _sqlalchemy("asyncpg", lambda engine: async_sessionmaker(engine)()),
    "sqlalchemy-asyncpg-scoped": _sqlalchemy("asyncpg", _scoped),
    "sqlalchemy-asyncpg-run-sync": _sqlalchemy(
        "asyncpg", lambda engine: async_sessionmaker(engine)(), SqlAlchemyInsideRunSync
    ),
    "sqlalchemy-psycopg-connection": _sqlalchemy("psycopg", lambda engine: engine.connect()),
    "sqlalchemy-psycopg-session": _sqlalchemy("psycopg", lambda engine: async_sessionmaker(engine)()),
    "sqlalchemy-sync-connection": _sqlalchemy_sync(lambda engine: engine.connect()),
    "sqlalchemy-sync-session": _sqlalchemy_sync(lambda engine: sessionmaker(engine)()),
    "sqlalchemy-sync-scoped": _sqlalchemy_sync(lambda engine: scoped_session(sessionmaker(engine))()),
}
