"""An explorer on a database of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import asyncpg
import pytest

from dibs.storage.connect import WORKER_SETTINGS
from interleaving.explorer import Explorer
from interleaving.stepped import SteppedConnection, stepped
from support.engine import Engine

OpenExplorer = Callable[[Mapping[str, str]], Awaitable[Explorer]]


@pytest.fixture
async def open_explorer(database_url: str) -> AsyncIterator[OpenExplorer]:
    """Open explorers whose actors send other texts in place of some statements."""
    async with AsyncExitStack() as stack:

        async def opened(spoilt: Mapping[str, str]) -> Explorer:
            async def connect() -> SteppedConnection:
                connection = await stepped(database_url, WORKER_SETTINGS, spoilt)
                stack.push_async_callback(connection.close)
                return connection

            director = await asyncpg.connect(database_url, server_settings=WORKER_SETTINGS)
            stack.push_async_callback(director.close)
            await director.execute("create table effect (job_id bigint not null)")
            return Explorer(Engine(director), connect)

        yield opened


@pytest.fixture
async def explorer(open_explorer: OpenExplorer) -> Explorer:
    """An explorer of the statements as they are."""
    return await open_explorer({})
