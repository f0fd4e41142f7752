"""NOTIFY: only for those who sleep, and once for each statement."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from dibs.domain.outcome import HANDED_BACK
from dibs.engine.batch import unwatch_batch, watch_batch
from dibs.engine.enqueue import enqueue
from dibs.engine.liveness import set_asleep
from dibs.engine.progress import ProgressReport, report_progress
from support.engine import FAILED, RETRY, Ear, Engine, new_job


async def asleep(engine: Engine, *queues: str) -> int:
    worker = await engine.register(*queues)
    await engine.run(set_asleep(worker, asleep=True))
    return worker


async def _enqueue(engine: Engine) -> None:
    await engine.enqueue(count=50)


async def _copy(engine: Engine) -> None:
    async with engine.connection.transaction():
        await engine.run(enqueue([new_job()] * 10_000))


async def _promote(engine: Engine) -> None:
    await engine.enqueue(*[new_job(delay_seconds=0.001)] * 50)
    await engine.move_clock("1 hour")
    await engine.promote()


async def _retry(engine: Engine) -> None:
    ids = await engine.enqueue(*[new_job(delay_seconds=60)] * 50)
    await engine.retry(*ids)


async def _hand_back(engine: Engine) -> None:
    jobs = await engine.claim(await engine.register("default"), 50)
    await engine.finish(*jobs, outcome=HANDED_BACK)


async def _rescue(engine: Engine) -> None:
    worker = await engine.register()
    await engine.claim(worker, 50)
    await engine.lose(worker)
    await engine.rescue()


WAYS = [_enqueue, _copy, _promote, _retry, _hand_back, _rescue]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__.strip("_"))
async def put_in_line(request: pytest.FixtureRequest, engine: Engine) -> Callable[[Engine], Awaitable[None]]:
    if request.param in {_hand_back, _rescue}:
        await engine.enqueue(*[new_job(max_attempts=2)] * 50)
    return request.param


async def test_a_sleeper_is_told_once(engine: Engine, ear: Ear, put_in_line: Callable[[Engine], Awaitable[None]]):
    await asleep(engine, "default")
    await put_in_line(engine)
    assert await ear.heard("wake") == [str(await engine.queue())]


async def test_nobody_is_told_when_nobody_sleeps(
    engine: Engine, ear: Ear, put_in_line: Callable[[Engine], Awaitable[None]]
):
    await engine.register("default")
    await asleep(engine, "another")
    await put_in_line(engine)
    assert await ear.heard("wake") == []


async def test_only_queues_with_a_sleeper_are_named(engine: Engine, ear: Ear):
    await asleep(engine, "b", "c")
    await engine.register("a")
    await engine.enqueue(*[new_job("a"), new_job("b"), new_job("c")] * 5)
    (payload,) = await ear.heard("wake")
    assert sorted(map(int, payload.split(","))) == sorted([await engine.queue("b"), await engine.queue("c")])


async def test_nobody_is_woken_for_later(engine: Engine, ear: Ear):
    await asleep(engine, "default")
    await engine.enqueue(*[new_job(delay_seconds=60)] * 3)
    assert await ear.heard("wake") == []
    await engine.enqueue(new_job(delay_seconds=60), new_job())
    assert len(await ear.heard("wake")) == 1


async def test_an_enqueue_rolled_back_wakes_nobody(engine: Engine, ear: Ear):
    await asleep(engine, "default")
    transaction = engine.connection.transaction()
    await transaction.start()
    await engine.enqueue()
    await transaction.rollback()
    assert await ear.heard("wake") == []


async def test_thousands_of_queues_with_sleepers_can_be_named(engine: Engine, ear: Ear):
    names = [f"queue-{n}" for n in range(2500)]
    await asleep(engine, *names)
    await engine.enqueue(*(new_job(name) for name in names))
    payloads = await ear.heard("wake")
    assert len({queue for payload in payloads for queue in payload.split(",")}) == 2500
    assert len(payloads) <= 6


async def test_a_wish_to_cancel_is_told_once_for_each_worker(engine: Engine, ear: Ear):
    ids = await engine.enqueue(count=5)
    await engine.claim(await engine.register(), 2)
    await engine.claim(await engine.register(), 2)
    await engine.cancel(*ids)
    told = await ear.heard("cancel")
    assert sorted(sorted(map(int, payload.split(","))) for payload in told) == [ids[:2], ids[2:4]]


async def test_a_batch_is_announced_while_somebody_watches(engine: Engine, ear: Ear):
    batch, ids = await engine.batch(*[new_job(max_attempts=3)] * 6)
    worker, me = await engine.register(), uuid4()
    jobs = await engine.claim(worker, 5)
    await engine.finish(jobs[0])
    assert await ear.heard("batch") == []
    await engine.run(watch_batch(batch, me, 30))
    await engine.succeed_and_claim(worker, [jobs[1]])
    assert await ear.heard("batch") == [str(batch)]
    await engine.finish(jobs[2], outcome=FAILED)
    assert await ear.heard("batch") == [str(batch)]
    await engine.finish(jobs[3], outcome=RETRY)
    assert await ear.heard("batch") == [str(batch)]
    await engine.run(report_progress([ProgressReport(jobs[4].id, jobs[4].token, 1, 2, None)]))
    assert await ear.heard("batch") == [str(batch)]
    await engine.cancel(ids[5])
    assert await ear.heard("batch") == [str(batch)]
    await engine.run(unwatch_batch(batch, me))
    await engine.finish(jobs[4])
    assert await ear.heard("batch") == []


async def test_a_retry_of_a_dead_letter_is_announced_to_those_who_watch(engine: Engine, ear: Ear):
    batch, (id_,) = await engine.batch(new_job())
    await engine.finish(await engine.claim_one(await engine.register()), outcome=FAILED)
    await engine.run(watch_batch(batch, uuid4(), 30))
    await engine.retry(id_)
    assert await ear.heard("batch") == [str(batch)]


async def test_a_batch_whose_worker_was_lost_is_announced(engine: Engine, ear: Ear):
    batch, _ = await engine.batch(new_job())
    worker = await engine.register()
    await engine.claim_one(worker)
    await engine.run(watch_batch(batch, uuid4(), 30))
    await engine.lose(worker)
    await engine.rescue()
    assert await ear.heard("batch") == [str(batch)]
