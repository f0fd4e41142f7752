"""Plans are behaviour: a few pages for each job, however long the line, whatever the planner knows.

The planner may know nothing (a table that was never analysed), what is long untrue (analysed while it was empty), or
the truth. Workers take its choice away by their settings; applications can not be asked to, so their statements have to
be written so that any planner finds the way.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import asyncpg
import pytest

from dibs.storage.connect import WORKER_SETTINGS
from support.filled import ANALYSE, FORGET_ANALYSIS, LEAVE_UNANALYSED, MILLION, Filling
from support.hot_statements import of_applications, of_lookups, of_upkeep, of_workers
from support.plans import complaints

Connect = Callable[..., Awaitable[asyncpg.Connection]]

KNOWLEDGE = {"never analysed": FORGET_ANALYSIS, "analysed while empty": "select", "analysed": ANALYSE}
knowing = pytest.mark.parametrize("knowledge", KNOWLEDGE.values(), ids=KNOWLEDGE)


@knowing
async def test_with_a_million_in_line(million_url: str, connect: Connect, knowledge: str):
    await (await connect(million_url)).execute(knowledge)
    found = await of_all(million_url, connect, Filling(MILLION))
    assert not found, "\n".join(found)


@knowing
@pytest.mark.parametrize("rows", [0, 1_000])
async def test_with_short_tables(database_url: str, connect: Connect, knowledge: str, rows: int):
    """Short tables may be read as a whole by applications; what counts is that it costs little."""
    setup = await connect(database_url)
    for sql in (LEAVE_UNANALYSED, ANALYSE, Filling(rows).sql(), knowledge):
        await setup.execute(sql)
    found = await of_all(database_url, connect, Filling(rows), is_short=True)
    assert not found, "\n".join(found)


async def of_all(url: str, connect: Connect, filling: Filling, *, is_short: bool = False) -> list[str]:
    worker, application = await connect(url, WORKER_SETTINGS), await connect(url)
    by_applications = [*of_applications(filling), *of_lookups(filling)]
    if is_short:
        by_applications = [replace(guard, only_pages=True) for guard in by_applications]
    return [
        *await complaints(worker, [*of_workers(filling), *of_upkeep(filling)]),
        *await complaints(application, by_applications),
    ]
