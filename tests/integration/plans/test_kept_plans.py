"""A generic plan is made once and kept, until the tables are analysed: minutes after a queue has filled up."""

from collections.abc import Awaitable, Callable

import asyncpg

from dibs.storage.connect import WORKER_SETTINGS
from support.filled import ANALYSE, LEAVE_UNANALYSED, Filling
from support.hot_statements import of_upkeep, of_workers
from support.plans import Guard, Prepared


async def test_plans_made_while_tables_were_empty_serve_when_they_are_full(
    database_url: str, connect: Callable[..., Awaitable[asyncpg.Connection]]
):
    """An idle worker looks often enough to be given generic plans, and then a million jobs may come.

    This is what workers are promised. On an application's connection the planner chooses freely, and reads tables as a
    whole that were empty.
    """
    setup, worker = await connect(database_url), await connect(database_url, WORKER_SETTINGS)
    await setup.execute(LEAVE_UNANALYSED)
    await setup.execute(ANALYSE)
    kept = []
    for nth, guard in enumerate(guards(Filling(0))):
        kept.append(await Prepared.make(worker, guard.query.statement, f"kept_{nth}"))
        await kept[-1].plan(guard.query.params, "generic")
    full = Filling(20_000)
    await setup.execute(full.sql())
    found: list[str] = []
    for prepared, guard in zip(kept, guards(full), strict=True):
        found += guard.complaints(await prepared.plan(guard.query.params, "generic"), "generic")
    assert not found, "\n".join(found)


def guards(filling: Filling) -> list[Guard]:
    return [*of_workers(filling), *of_upkeep(filling)]
