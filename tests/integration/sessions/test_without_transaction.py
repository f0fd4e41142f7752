"""A borrowed connection that has no transaction open: what is written is committed at once, all or nothing."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import psycopg
import pytest

from dibs.domain.job import NewJob
from dibs.engine.batch import create_batch
from dibs.storage.borrow import async_session, sync_session
from dibs.storage.session import Operation
from support.callers import SCHEMA, async_engine, engine

Run = Callable[[Operation[Any]], Any]


def jobs(queue: str = "q") -> list[NewJob]:
    return [NewJob(task="app:task", args_json="{}", queue=queue)]


@asynccontextmanager
async def on_asyncpg(url: str) -> AsyncIterator[Run]:
    connection = await asyncpg.connect(url)
    yield async_session(connection, SCHEMA).run
    await connection.close()


@asynccontextmanager
async def on_psycopg(url: str) -> AsyncIterator[Run]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        yield async_session(connection, SCHEMA).run


@asynccontextmanager
async def on_psycopg_sync(url: str) -> AsyncIterator[Run]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield awaitable(sync_session(connection, SCHEMA).run)


def on_sqlalchemy(driver: str) -> Callable[[str], AbstractAsyncContextManager[Run]]:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Run]:
        own = async_engine(url, driver, isolation_level="AUTOCOMMIT")
        async with own.connect() as connection:
            yield async_session(connection, SCHEMA).run
        await own.dispose()

    return opened


@asynccontextmanager
async def on_sqlalchemy_sync(url: str) -> AsyncIterator[Run]:
    own = engine(url, isolation_level="AUTOCOMMIT")
    with own.connect() as connection:
        yield awaitable(sync_session(connection, SCHEMA).run)
    own.dispose()


def awaitable(run: Run) -> Run:
    async def ran(operation: Operation[Any]) -> Any:
        return run(operation)

    return ran


OPENED = [
    on_asyncpg,
    on_psycopg,
    on_psycopg_sync,
    on_sqlalchemy("asyncpg"),
    on_sqlalchemy("psycopg"),
    on_sqlalchemy_sync,
]


@pytest.mark.parametrize("opened", OPENED)
async def test_what_is_written_is_committed_at_once_all_or_nothing(
    opened: Callable[[str], AbstractAsyncContextManager[Run]], database_url: str, observer: asyncpg.Connection
) -> None:
    async with opened(database_url) as run:
        batch = await run(create_batch("whole", jobs()))
        written = "select array_agg(id) from dibs.batch union all select array_agg(id) from dibs.job"
        expected = [[batch.id], [batch.jobs[0].id]]
        assert [row[0] for row in await observer.fetch(written)] == expected
        with pytest.raises(Exception, match="queue_name_check"):
            await run(create_batch("half", jobs(queue="not a name")))
        assert [row[0] for row in await observer.fetch(written)] == expected
