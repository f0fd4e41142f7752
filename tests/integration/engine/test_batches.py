"""Batches: counts that are always the truth, folded or not."""

import asyncio

import asyncpg
import pytest

from dibs.domain.batch import BatchProgress
from dibs.domain.outcome import CANCELLED, SUCCEEDED
from dibs.engine.batch import batch_progress, create_batch
from dibs.engine.liveness import tidy
from support.engine import FAILED, RETRY, Connect, Engine, new_job


async def progress_of(engine: Engine, batch: int) -> BatchProgress:
    found = await engine.run(batch_progress(batch))
    assert found is not None
    return found


async def test_a_batch_counts_its_jobs_by_where_they_stand(engine: Engine):
    batch, ids = await engine.batch(*[new_job(max_attempts=3)] * 6, new_job(delay_seconds=60), name="upload")
    begin = await progress_of(engine, batch)
    assert (begin.id, begin.name, begin.total, begin.waiting, begin.finished) == (batch, "upload", 7, 7, 0)
    jobs = await engine.claim(await engine.register(), 5)
    await engine.finish(jobs[0], outcome=SUCCEEDED)
    await engine.finish(jobs[1], outcome=FAILED)
    await engine.finish(jobs[2], outcome=CANCELLED)
    await engine.finish(jobs[3], outcome=RETRY)
    await engine.cancel(ids[5])
    now = await progress_of(engine, batch)
    assert (now.succeeded, now.failed, now.cancelled, now.running, now.waiting) == (1, 1, 2, 1, 2)
    assert (now.finished, now.is_finished) == (4, False)


async def test_a_batch_is_finished_when_every_job_has_ended(engine: Engine):
    batch, _ = await engine.batch(*[new_job()] * 3)
    worker = await engine.register()
    jobs = await engine.claim(worker, 3)
    await engine.succeed_and_claim(worker, jobs[:2])
    assert not (await progress_of(engine, batch)).is_finished
    await engine.finish(jobs[2], outcome=FAILED)
    assert (await progress_of(engine, batch)).is_finished


async def test_an_unknown_batch_has_no_progress(engine: Engine):
    assert await engine.run(batch_progress(4711)) is None


async def test_folding_changes_no_count(engine: Engine):
    batches = [(await engine.batch(*[new_job()] * 3))[0] for _ in range(3)]
    jobs = await engine.claim(await engine.register(), 8)
    await engine.finish(*jobs[:4])
    await engine.finish(*jobs[4:], outcome=FAILED)
    before = [await progress_of(engine, batch) for batch in batches]
    await engine.run(tidy())
    assert await engine.count("batch_delta") == 0
    assert [await progress_of(engine, batch) for batch in batches] == before
    await engine.run(tidy())
    assert [await progress_of(engine, batch) for batch in batches] == before


async def test_two_that_fold_at_once_count_nothing_twice(engine: Engine, connect: Connect):
    batch, _ = await engine.batch(*[new_job()] * 2)
    first, second = await engine.claim(await engine.register(), 2)
    await engine.finish(first)
    other = await connect()
    async with engine.connection.transaction():
        await engine.run(tidy())
        await asyncio.wait_for(other.run(tidy()), 10)
    await other.run(tidy())
    await engine.finish(second)
    assert (await progress_of(engine, batch)).succeeded == 2


async def test_counts_stay_true_while_many_finish_and_fold(engine: Engine, connect: Connect):
    batch, ids = await engine.batch(*[new_job()] * 200)

    async def work() -> None:
        mine = await connect()
        worker = await mine.register()
        jobs = await mine.claim(worker, 5)
        while jobs:
            await mine.finish(*jobs[:2], outcome=FAILED)
            jobs, done = await mine.claim(worker, 5), jobs[2:]
            await mine.succeed_and_claim(worker, done)

    async def fold() -> None:
        mine = await connect()
        while await mine.count("done") < len(ids):
            await mine.run(tidy())
            assert (await progress_of(mine, batch)).finished <= len(ids)

    await asyncio.gather(*(work() for _ in range(3)), fold(), fold())
    now = await progress_of(engine, batch)
    assert (now.succeeded + now.failed, now.is_finished) == (200, True)


async def test_a_batch_that_is_rolled_back_leaves_nothing(engine: Engine):
    transaction = engine.connection.transaction()
    await transaction.start()
    await engine.run(create_batch("upload", [new_job()]))
    await transaction.rollback()
    assert [await engine.count(table) for table in ("batch", "job", "ready")] == [0, 0, 0]


async def test_a_batch_without_jobs_is_refused(engine: Engine):
    with pytest.raises(asyncpg.CheckViolationError):
        await engine.batch()


async def test_endings_rolled_back_are_not_counted(engine: Engine):
    batch, _ = await engine.batch(new_job())
    worker = await engine.register()
    job = await engine.claim_one(worker)
    transaction = engine.connection.transaction()
    await transaction.start()
    await engine.succeed_and_claim(worker, [job])
    await transaction.rollback()
    now = await progress_of(engine, batch)
    assert (now.succeeded, now.running) == (0, 1)
