"""Any two statements meet over the same rows, given to them in opposite orders: no deadlock.

Somebody holds one row in the middle of each table, so both come to a halt half-way, and holds what they have locked so
far. When the rows are let go, whoever locks in another order than its opposite waits for it while it is waited for:
not now and then, but each time. Both are rolled back in the end, so the next two find all rows again.

The rows lie in the tables in another order than that of their ids, and what applications send is planned without
indexes: whoever locks rows as they lie meets somebody who locks them by id.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import asyncpg
import pytest

from dibs.storage import statements
from dibs.storage.connect import WORKER_SETTINGS
from interleaving.crowd import filled
from interleaving.halting import Holder, Side
from interleaving.spoilt import Spoilt
from support.engine import Engine

_CLIENT_SETTINGS = {"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}
WAITS = {
    "ready": {"jobs/cancel"},
    "scheduled": {"jobs/cancel", "jobs/retry"},
    "lease": {"jobs/succeed_and_claim", "jobs/finish", "jobs/disown"},
    "done": {"jobs/retry"},
    "worker": {
        "jobs/claim", "jobs/succeed_and_claim", "workers/heartbeat", "workers/set_asleep", "workers/deregister",
    },
    "progress": {"jobs/report_progress"},
    "cancel_request": {"jobs/retry", "jobs/prune"},
    "batch": {"jobs/prune"},
    "batch_watch": {"batches/unwatch", "workers/tidy"},
    "queue": {"queues/ensure"},
    "retention": set(),
}  # fmt: skip
Connect = Callable[[Mapping[str, str]], Awaitable[asyncpg.Connection]]


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connect_one(settings: Mapping[str, str]) -> asyncpg.Connection:
            connection = await asyncpg.connect(database_url, server_settings=dict(settings))
            stack.push_async_callback(connection.close)
            return connection

        yield connect_one


@pytest.fixture
async def holder(connect: Connect) -> Holder:
    """Somebody who holds rows, in a database that is full of them."""
    director = Engine(await connect(WORKER_SETTINGS))
    return Holder(director.connection, await filled(director))


@pytest.fixture
async def sides(connect: Connect, holder: Holder) -> list[Side]:
    """Two who send the same, the second one with all ids the other way round."""
    return [
        Side(await connect(WORKER_SETTINGS), await connect(_CLIENT_SETTINGS), holder.rows, step) for step in (1, -1)
    ]


async def test_who_waits_for_rows_of_which_table(holder: Holder, sides: list[Side]) -> None:
    """All others step aside, or want no row that anybody could hold."""
    found = {
        table: {side.name(nth) for side in sides for nth in await holder.waiting(hold, side)}
        for table, hold in (await holder.middles()).items()
    }
    assert found == WAITS


async def test_no_two_statements_deadlock(holder: Holder, sides: list[Side]) -> None:
    middles = (await holder.middles()).values()
    found = await holder.deadlocks((*middles, "".join(middles)), *sides)
    assert not found, "\n".join(found)


SPOILT = {
    "hand back in another order": (
        Spoilt(statements.JOBS_DISOWN, "order by job_id for update", "order by job_id desc for update"),
        "lease",
        "jobs/finish and jobs/disown",
    ),
    "finish in another order": (
        Spoilt(
            statements.JOBS_FINISH,
            "order by job_id, token\n),\nheld",
            "order by job_id desc, token\n),\nheld",
        ),
        "lease",
        "jobs/finish and jobs/succeed_and_claim",
    ),
    "tidy up wishes as they lie, without stepping aside": (
        Spoilt(statements.WORKERS_TIDY, "for update skip locked", "for update"),
        "cancel_request",
        "jobs/retry and workers/tidy",
    ),
}


@pytest.mark.parametrize(("spoilt", "table", "said"), SPOILT.values(), ids=SPOILT)
async def test_a_spoilt_order_is_found_out(
    holder: Holder, sides: list[Side], spoilt: Spoilt, table: str, said: str
) -> None:
    for side in sides:
        side.spoilt = spoilt.text
    found = await holder.deadlocks([(await holder.middles())[table]], *sides)
    assert any(said in deadlock for deadlock in found), found
