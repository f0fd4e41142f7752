"""The contract's two sides: a caller that lends its connection, and somebody who looks at the database."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from support.callers import CALLERS, Caller


@pytest.fixture(params=CALLERS)
async def caller(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Caller]:
    async with CALLERS[request.param](database_url) as opened:
        yield opened


@pytest.fixture
async def observer(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
