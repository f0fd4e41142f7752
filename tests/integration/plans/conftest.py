"""Databases with a million jobs, made once for each run, cloned for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from support.filled import clone, million
from support.postgres import TestServer

Connect = Callable[..., Awaitable[asyncpg.Connection]]


@pytest.fixture(scope="session")
def million_template(database_server: TestServer) -> Iterator[str]:
    """The name of the template."""
    with million(database_server) as name:
        yield name


@pytest.fixture
def million_url(database_server: TestServer, million_template: str) -> Iterator[str]:
    """A database with a million jobs in line, whose tables were analysed while they were empty."""
    with clone(database_server, million_template) as url:
        yield url


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connections to anywhere, closed at the end."""
    async with AsyncExitStack() as stack:

        async def connect_one(url: str, settings: dict[str, str] | None = None) -> asyncpg.Connection:
            connection = await asyncpg.connect(url, server_settings=settings)
            stack.push_async_callback(connection.close)
            return connection

        yield connect_one
