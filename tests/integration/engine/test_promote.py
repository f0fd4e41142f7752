"""Promote: what is due goes in line, once, whoever asks."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dibs.engine import promote as promoting
from dibs.storage import statements
from support.engine import RETRY, Connect, Engine, new_job


async def test_nothing_is_promoted_before_its_time(engine: Engine):
    await engine.enqueue(new_job(delay_seconds=60), new_job(delay_seconds=300))
    promoted = await engine.promote()
    assert promoted.count == 0
    assert promoted.next_due_seconds is not None
    assert 50 < promoted.next_due_seconds <= 60


async def test_what_is_due_goes_in_line_as_it_was(engine: Engine):
    ids = await engine.enqueue(new_job("mail", delay_seconds=60, priority=4), new_job(delay_seconds=600))
    await engine.move_clock("2 minutes")
    promoted = await engine.promote()
    assert promoted.count == 1
    assert promoted.next_due_seconds is not None
    assert 470 < promoted.next_due_seconds <= 480
    row = await engine.row("ready", ids[0])
    assert row is not None
    assert (row["attempt"], row["lost"], row["priority"], row["queue_id"]) == (0, 0, 4, await engine.queue("mail"))
    assert await engine.ids("scheduled") == [ids[1]]


async def test_a_retry_comes_back_with_its_attempts(engine: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=3))
    worker = await engine.register()
    await engine.finish(await engine.claim_one(worker), outcome=RETRY)
    assert await engine.claim(worker) == []
    await engine.move_clock("61 seconds")
    assert (await engine.promote()).count == 1
    job = await engine.claim_one(worker)
    assert (job.id, job.attempt) == (id_, 2)


async def test_with_nothing_scheduled_nothing_is_due(engine: Engine):
    promoted = await engine.promote()
    assert (promoted.count, promoted.next_due_seconds) == (0, None)


async def test_no_more_are_promoted_at_once_than_the_limit_and_the_longest_due_go_first(engine: Engine):
    moments = [datetime.now(UTC) + timedelta(seconds=s) for s in (40, 10, 30, 20)]
    ids = await engine.enqueue(*(new_job(run_at=moment) for moment in moments))
    await engine.move_clock("1 hour")
    sql = statements.JOBS_PROMOTE.text("dibs")
    assert (await engine.connection.fetchrow(sql, 3, None))[:2] == (3, None)
    assert await engine.ids("scheduled") == [ids[0]]
    assert (await engine.connection.fetchrow(sql, 3, None))[:2] == (1, None)
    assert promoting.PROMOTE_ROWS > 0


async def test_a_promoter_skips_what_another_is_promoting(engine: Engine, connect: Connect):
    await engine.enqueue(*[new_job(delay_seconds=1)] * 3)
    other = await connect()
    for each in (engine, other):
        await each.move_clock("1 hour")
    async with engine.connection.transaction():
        assert (await engine.promote()).count == 3
        assert (await asyncio.wait_for(other.promote(), 10)).count == 0
    assert await engine.count("ready") == 3


async def test_several_promoters_promote_each_job_once(engine: Engine, connect: Connect):
    ids = await engine.enqueue(*[new_job(delay_seconds=1)] * 3000)
    engines = [await connect() for _ in range(4)]
    for each in engines:
        await each.move_clock("1 hour")
    counts = []
    while (round_ := await asyncio.gather(*(each.promote() for each in engines))) and any(p.count for p in round_):
        counts += [promoted.count for promoted in round_]
    assert sum(counts) == 3000
    assert await engine.ids("ready") == ids


@pytest.mark.parametrize("first", ["promote", "retry", "cancel"])
async def test_a_scheduled_job_that_several_reach_for_moves_once(engine: Engine, connect: Connect, first: str):
    (id_,) = await engine.enqueue(new_job(delay_seconds=1))
    other = await connect()
    for each in (engine, other):
        await each.move_clock("1 hour")
    moves = {"promote": Engine.promote, "retry": lambda e: e.retry(id_), "cancel": lambda e: e.cancel(id_)}
    async with engine.connection.transaction():
        await moves.pop(first)(engine)
        if first == "promote":
            moving = [asyncio.ensure_future(moves.pop("retry")(other))]
            await engine.until_blocked(other)
        else:
            moving = []
            await asyncio.wait_for(moves.pop("promote")(other), 10)
    await asyncio.gather(*moving)
    assert (await engine.job(id_)).state == ("cancelled" if first == "cancel" else "ready")
