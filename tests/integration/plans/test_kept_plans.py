"""A generic plan is made once and kept, until the tables are analysed: minutes after a queue has filled up."""

from collections.abc import Awaitable, Callable

import asyncpg

from dibs.storage.connect import WORKER_SETTINGS
from support.filled import ANALYSE, LEAVE_UNANALYSED, Filling
from support.hot_statements import of_upkeep, of_workers
from support.plans import Guard, Prepared

NOT_YET = {"jobs/claim", "jobs/succeed_and_claim", "jobs/promote", "jobs/missed_cancels", "workers/tidy"}
"""These join what they moved with all jobs, or wishes with all endings, and take a loop over the whole table for the
best way while it is empty. A lateral look by id (with `offset 0`) leaves no choice."""


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
    known = {name for name in NOT_YET if any(said.startswith(name) for said in found)}
    assert known == NOT_YET, f"mended, to be taken off the list: {NOT_YET - known}"
    others = [said for said in found if not said.startswith(tuple(NOT_YET))]
    assert not others, "\n".join(others)


def guards(filling: Filling) -> list[Guard]:
    return [*of_workers(filling), *of_upkeep(filling)]
