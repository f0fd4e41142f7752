"""Rows are locked in one order, that of job ids, so that no two statements ever wait for each other.

Each test holds a lock on the first row and lets two statements run against it that want all rows, one of them given its
ids backwards and with rows that lie in the tables in another order than their ids. Whoever locked out of order would
hold a later row while it waits for an earlier one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import Ended, Outcome
from dibs.engine.claim import finish
from dibs.engine.rescue import disown
from dibs.storage.connect import WORKER_SETTINGS
from support.engine import FAILED, RETRY, SUCCEEDED, Connect, Engine, new_job

COUNT = 6
Action = Callable[[Engine], Awaitable[Any]]


@pytest.fixture(params=["worker's settings", "client's settings"])
async def pair(request: pytest.FixtureRequest, connect: Connect) -> tuple[Engine, Engine]:
    """Two connections whose planner reads tables in the order of an index, or as they lie."""
    engines = (await connect(), await connect())
    if request.param == "client's settings":
        for each in engines:
            for setting in WORKER_SETTINGS:
                await each.connection.execute(f"reset {setting}")
            await each.connection.execute("set enable_indexscan = off; set enable_indexonlyscan = off")
    return engines


async def shuffled(engine: Engine, table: str) -> None:
    """Have the table's rows lie backwards."""
    async with engine.connection.transaction():
        await engine.connection.execute(f"create temp table t on commit drop as select * from dibs.{table}")
        await engine.connection.execute(f"delete from dibs.{table}")
        await engine.connection.execute(f"insert into dibs.{table} select * from t order by job_id desc")


async def together(engine: Engine, pair: tuple[Engine, Engine], table: str, actions: tuple[Action, Action]) -> None:
    """Run both actions against a lock on the first row, let go, and see that both come to an end."""
    await shuffled(engine, table)
    async with engine.connection.transaction():
        first = await engine.connection.fetchval(
            f"select job_id from dibs.{table} where job_id = (select min(job_id) from dibs.{table}) for update"
        )
        running = []
        for each, action in zip(pair, actions, strict=True):
            running.append(asyncio.ensure_future(action(each)))
            await engine.until_blocked(each)
        others = await engine.connection.fetch(
            f"select job_id from dibs.{table} where job_id <> {first} for update skip locked"
        )
        assert len(others) == COUNT - 1, "whoever waits for the first row holds no later one"
    try:
        await asyncio.wait_for(asyncio.gather(*running), 20)
    except asyncpg.DeadlockDetectedError as error:  # pragma: no cover
        pytest.fail(f"{error}: {error.detail}")


async def leased(engine: Engine) -> tuple[int, list[ClaimedJob]]:
    await engine.enqueue(*[new_job(max_attempts=3)] * COUNT)
    worker = await engine.register()
    return worker, await engine.claim(worker, COUNT)


def ending(jobs: list[ClaimedJob], outcome: Outcome, *, backwards: bool) -> Action:
    ended = [Ended(job.id, job.token, outcome) for job in jobs]
    return lambda engine: engine.run(finish(list(reversed(ended)) if backwards else ended))


async def test_finish_and_finish(engine: Engine, pair: tuple[Engine, Engine]):
    _, jobs = await leased(engine)
    actions = (ending(jobs, SUCCEEDED, backwards=False), ending(jobs, FAILED, backwards=True))
    await together(engine, pair, "lease", actions)


async def test_finish_and_disown(engine: Engine, pair: tuple[Engine, Engine]):
    worker, jobs = await leased(engine)
    actions = (ending(jobs, SUCCEEDED, backwards=True), lambda each: each.run(disown(worker, [])))
    await together(engine, pair, "lease", actions)


async def test_a_success_told_again_while_the_first_telling_is_under_way(engine: Engine, connect: Connect):
    """After a broken connection. They lock rows as they lie, both of them, so neither waits for the other's."""
    worker, jobs = await leased(engine)
    pair = (await connect(), await connect())
    async with engine.connection.transaction():
        await engine.finish(jobs[0])
        telling = []
        for each, order in zip(pair, (jobs, jobs[::-1]), strict=True):
            telling.append(asyncio.ensure_future(each.succeed_and_claim(worker, order)))
            await engine.until_blocked(each)
    first, second = [set(trip.refused) for trip in await asyncio.gather(*telling)]
    ids = {job.id for job in jobs}
    assert first & second == {jobs[0].id}
    assert first | second == ids


async def test_cancel_and_cancel_of_ready_jobs(engine: Engine, pair: tuple[Engine, Engine]):
    ids = await engine.enqueue(*(new_job(priority=n) for n in range(COUNT)))
    await together(engine, pair, "ready", (lambda each: each.cancel(*ids), lambda each: each.cancel(*reversed(ids))))


async def test_cancel_and_retry_of_scheduled_jobs(engine: Engine, pair: tuple[Engine, Engine]):
    ids = await engine.enqueue(*[new_job(delay_seconds=60)] * COUNT)
    await together(engine, pair, "scheduled", (lambda each: each.cancel(*ids), lambda each: each.retry(*reversed(ids))))


async def test_retry_and_retry_of_dead_letters(engine: Engine, pair: tuple[Engine, Engine]):
    _, jobs = await leased(engine)
    await engine.finish(*jobs, outcome=FAILED)
    ids = [job.id for job in jobs]
    await together(engine, pair, "done", (lambda each: each.retry(*ids), lambda each: each.retry(*reversed(ids))))


async def test_everything_at_once_for_a_while(engine: Engine, connect: Connect):
    """No deadlock, whatever meets: each of them would end this test."""
    ids = await engine.enqueue(*[new_job(max_attempts=1000, priority=n % 3) for n in range(60)])

    async def work() -> None:
        mine = await connect()
        for turn in range(25):
            worker = await mine.register(timeout_seconds=0.000001)
            jobs = await mine.claim(worker, 30)
            await mine.finish(*jobs[::3], outcome=RETRY if turn % 2 else FAILED)
            await mine.succeed_and_claim(worker, jobs[1::3]) if turn % 5 == 0 else await mine.finish(
                *jobs[1::3], outcome=RETRY
            )

    async def repeat(action: Callable[[Engine], Awaitable[Any]]) -> None:
        mine = await connect()
        for _ in range(25):
            await action(mine)

    await asyncio.gather(
        work(),
        work(),
        repeat(lambda each: each.rescue(grace_seconds=0)),
        repeat(lambda each: each.retry(*ids)),
        repeat(lambda each: each.cancel(*reversed(ids[::7]))),
        repeat(Engine.promote),
    )
