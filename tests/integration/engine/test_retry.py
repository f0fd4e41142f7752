"""Retry: an operator brings back what has ended without success, and brings forward what waits."""

import asyncio

from dibs.domain.outcome import CANCELLED, SUCCEEDED
from dibs.engine.batch import batch_progress
from support.engine import FAILED, RETRY, Connect, Engine, new_job


async def test_a_dead_letter_gets_one_more_try(engine: Engine):
    batch, (id_,) = await engine.batch(new_job("mail", priority=6, max_attempts=1))
    worker = await engine.register("mail")
    await engine.finish(await engine.claim_one(worker, "mail"), outcome=FAILED)
    assert await engine.retry(id_) == [id_]
    row = await engine.row("ready", id_)
    assert row is not None
    assert (row["attempt"], row["lost"], row["priority"], row["queue_id"]) == (1, 0, 6, await engine.queue("mail"))
    progress = await engine.run(batch_progress(batch))
    assert progress is not None
    assert (progress.failed, progress.is_finished, progress.waiting) == (0, False, 1)
    job = await engine.claim_one(worker, "mail")
    assert (job.attempt, job.max_attempts) == (2, 1)
    await engine.finish(job)
    progress = await engine.run(batch_progress(batch))
    assert progress is not None
    assert (progress.failed, progress.succeeded, progress.is_finished) == (0, 1, True)


async def test_a_cancelled_job_is_put_in_line(engine: Engine):
    batch, (id_,) = await engine.batch(new_job())
    await engine.cancel(id_)
    assert await engine.retry(id_) == [id_]
    progress = await engine.run(batch_progress(batch))
    assert progress is not None
    assert progress.cancelled == 0
    assert (await engine.job(id_)).state == "ready"


async def test_a_job_cancelled_while_it_ran_is_put_in_line(engine: Engine):
    (id_,) = await engine.enqueue()
    job = await engine.claim_one(await engine.register())
    await engine.cancel(id_)
    await engine.finish(job, outcome=CANCELLED)
    assert await engine.retry(id_) == [id_]


async def test_a_scheduled_job_is_brought_forward(engine: Engine):
    delayed, retrying = await engine.enqueue(new_job(delay_seconds=600), new_job(max_attempts=3))
    await engine.finish(await engine.claim_one(await engine.register()), outcome=RETRY)
    assert await engine.retry(retrying, delayed) == [delayed, retrying]
    assert await engine.count("scheduled") == 0
    assert [job.attempt for job in await engine.claim(await engine.register(), 2)] == [1, 2]


async def test_what_succeeded_waits_or_runs_is_left_alone(engine: Engine):
    done, running, ready = await engine.enqueue(count=3)
    worker = await engine.register()
    await engine.finish(await engine.claim_one(worker), outcome=SUCCEEDED)
    await engine.claim_one(worker)
    before = await engine.everything()
    assert await engine.retry(done, running, ready, 4711) == []
    assert await engine.retry() == []
    assert await engine.everything() == before


async def test_two_operators_retry_a_dead_letter_once(engine: Engine, connect: Connect):
    batch, (id_,) = await engine.batch(new_job())
    await engine.finish(await engine.claim_one(await engine.register()), outcome=FAILED)
    other = await connect()
    async with engine.connection.transaction():
        assert await engine.retry(id_) == [id_]
        retrying = asyncio.ensure_future(other.retry(id_))
        await engine.until_blocked(other)
    assert await retrying == []
    progress = await engine.run(batch_progress(batch))
    assert progress is not None
    assert progress.failed == 0
