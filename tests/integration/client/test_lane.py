"""The connection on which an application's enqueues go out."""

import asyncio

import asyncpg
import pytest

from dibs import DatabaseUnavailableError
from dibs.client.lane import Lane
from dibs.domain.job import NewJob
from dibs.engine.enqueue import enqueue
from support.pooler import direct

CONNECTED = (
    "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'dibs enqueue'"
)


async def test_one_that_is_closed_while_it_connects_leaves_no_connection_behind(database_url: str) -> None:
    lane = Lane(database_url, "dibs")
    running = asyncio.ensure_future(lane.run(enqueue([NewJob(task="t", queue="q", args_json="{}")])))
    await asyncio.sleep(0)  # it connects
    await lane.close()
    with pytest.raises(DatabaseUnavailableError, match="closed; nothing was sent"):
        await running
    db = await asyncpg.connect(direct(database_url))
    assert await db.fetchval(CONNECTED) == 0
    assert await db.fetchval("select count(*) from dibs.job") == 0
    await db.close()
