"""Cancel: what waits ends at once, what runs is asked to, and a wish is never forgotten."""

import asyncio

import pytest

from dibs.domain.outcome import CANCELLED, HANDED_BACK, SUCCEEDED
from dibs.engine.liveness import heartbeat, tidy
from support.engine import FAILED, RETRY, Connect, Ear, Engine, new_job


@pytest.fixture
async def other(connect: Connect) -> Engine:
    return await connect()


async def test_a_ready_job_is_cancelled(engine: Engine):
    batch, (id_, rest) = await engine.batch(new_job(priority=3), new_job())
    result = await engine.cancel(id_)
    assert (result.ended, result.requested) == ((id_,), ())
    job = await engine.job(id_)
    assert (job.state, job.attempt, job.worker_id, job.started_at) == ("cancelled", 0, None, None)
    assert job.finished_at is not None
    assert await engine.connection.fetchval("select cancelled from dibs.batch_delta where batch_id = $1", batch) == 1
    assert [job.id for job in await engine.claim(await engine.register(), 5)] == [rest]


async def test_a_scheduled_job_is_cancelled(engine: Engine):
    (id_,) = await engine.enqueue(new_job(delay_seconds=60))
    assert (await engine.cancel(id_)).ended == (id_,)
    assert await engine.count("scheduled") == 0
    await engine.move_clock("1 hour")
    assert (await engine.promote()).count == 0


async def test_a_retrying_job_is_cancelled_with_its_attempts_and_errors(engine: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=3))
    await engine.finish(await engine.claim_one(await engine.register()), outcome=RETRY)
    await engine.cancel(id_)
    job = await engine.job(id_)
    assert (job.state, job.attempt, job.error) == ("cancelled", 1, "ValueError: no")


async def test_a_running_job_is_asked_to_stop(engine: Engine):
    (id_,) = await engine.enqueue()
    worker, idle = await engine.register(), await engine.register()
    job = await engine.claim_one(worker)
    result = await engine.cancel(id_)
    assert (result.ended, result.requested) == ((), (id_,))
    assert (await engine.job(id_)).state == "running"
    for holder, wishes in ((worker, [id_]), (idle, [])):
        beat = await engine.run(heartbeat(holder, holds_lock=False, grace_seconds=1))
        assert beat is not None
        assert list(beat.cancelled) == wishes
    assert (await engine.cancel(id_)).requested == (id_,), "to ask twice is fine"
    assert await engine.finish(job, outcome=CANCELLED) == []
    assert (await engine.job(id_)).state == "cancelled"
    await engine.run(tidy())
    assert await engine.count("cancel_request") == 0


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, CANCELLED])
async def test_a_job_that_has_ended_is_left_alone(engine: Engine, outcome):
    (id_,) = await engine.enqueue()
    await engine.finish(await engine.claim_one(await engine.register()), outcome=outcome)
    before = await engine.everything()
    result = await engine.cancel(id_)
    assert (result.ended, result.requested) == ((), ())
    assert await engine.everything() == before


async def test_ids_that_are_unknown_or_given_twice_do_no_harm(engine: Engine):
    (id_,) = await engine.enqueue()
    assert (await engine.cancel(id_, id_, 4711)).ended == (id_,)
    assert (await engine.cancel()).ended == ()


async def test_many_at_once_in_every_state(engine: Engine):
    ready = await engine.enqueue(*[new_job(priority=p) for p in (3, 1, 2)])
    later = await engine.enqueue(*[new_job(delay_seconds=60)] * 3)
    (running,) = await engine.enqueue(new_job("other"))
    await engine.claim_one(await engine.register("other"), "other")
    result = await engine.cancel(running, *later, *ready)
    assert sorted(result.ended) == sorted([*ready, *later])
    assert result.requested == (running,)


async def test_thousands_of_running_jobs_can_be_cancelled_at_once(engine: Engine, ear: Ear):
    """A notification carries 8,000 bytes at most."""
    await engine.connection.execute("select setval('dibs.job_id', 1000000000)")
    ids = await engine.enqueue(count=2000)
    worker = await engine.register()
    await engine.claim(worker, 2000)
    assert (await engine.cancel(*ids)).requested == tuple(ids)
    told = [int(id_) for payload in await ear.heard("cancel") for id_ in payload.split(",")]
    assert sorted(told) == ids


async def test_a_job_that_is_being_claimed_is_asked_to_stop(engine: Engine, other: Engine):
    (id_,) = await engine.enqueue()
    worker = await engine.register()
    async with engine.connection.transaction():
        await engine.claim_one(worker)
        cancelling = asyncio.ensure_future(other.cancel(id_))
        await engine.until_blocked(other)
    result = await cancelling
    assert (result.ended, result.requested) == ((), (id_,))


async def test_a_job_whose_claim_is_rolled_back_meanwhile_is_cancelled(engine: Engine, other: Engine):
    (id_,) = await engine.enqueue()
    worker = await engine.register()
    transaction = engine.connection.transaction()
    await transaction.start()
    await engine.claim_one(worker)
    cancelling = asyncio.ensure_future(other.cancel(id_))
    await engine.until_blocked(other)
    await transaction.rollback()
    assert (await cancelling).ended == (id_,)


async def test_a_claim_does_not_wait_for_a_cancel_and_does_not_get_the_job(engine: Engine, other: Engine):
    (id_,) = await engine.enqueue()
    worker = await other.register()
    async with engine.connection.transaction():
        await engine.cancel(id_)
        assert await asyncio.wait_for(other.claim(worker), 10) == []
    assert await other.claim(worker) == []


async def test_a_job_cancelled_by_two_at_once_is_cancelled_once(engine: Engine, other: Engine):
    batch, (id_,) = await engine.batch(new_job())
    async with engine.connection.transaction():
        assert (await engine.cancel(id_)).ended == (id_,)
        cancelling = asyncio.ensure_future(other.cancel(id_))
        await engine.until_blocked(other)
    assert (await cancelling).ended == ()
    assert (
        await engine.connection.fetchval("select sum(cancelled) from dibs.batch_delta where batch_id = $1", batch) == 1
    )


@pytest.mark.parametrize("outcome", [RETRY, HANDED_BACK], ids=["retry", "hand back"])
async def test_a_wish_that_comes_while_the_job_goes_back_is_not_forgotten(engine: Engine, other: Engine, outcome):
    """The ending did not see the wish, and the wish did not see the ending: the next tidying-up puts it right."""
    batch, (id_,) = await engine.batch(new_job(max_attempts=3))
    job = await engine.claim_one(await engine.register())
    async with engine.connection.transaction():
        await engine.finish(job, outcome=outcome)
        assert (await other.cancel(id_)).requested == (id_,)
    assert (await engine.job(id_)).state in {"ready", "scheduled"}
    await engine.run(tidy())
    assert (await engine.job(id_)).state == "cancelled"
    assert await engine.connection.fetchval("select cancelled from dibs.batch where id = $1", batch) in {0, 1}
    await engine.run(tidy())
    assert await engine.count("cancel_request") == 0
    assert await engine.connection.fetchval("select cancelled from dibs.batch where id = $1", batch) == 1


async def test_a_retry_takes_back_an_older_wish_to_cancel(engine: Engine, other: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=3))
    job = await engine.claim_one(await engine.register())
    async with engine.connection.transaction():
        await engine.finish(job, outcome=RETRY)
        await other.cancel(id_)
    assert await engine.retry(id_) == [id_]
    await engine.run(tidy())
    assert (await engine.job(id_)).state == "ready"


async def test_a_new_attempt_of_a_cancelled_job_is_not_cancelled_by_the_old_wish(engine: Engine):
    (id_,) = await engine.enqueue()
    worker = await engine.register()
    job = await engine.claim_one(worker)
    await engine.cancel(id_)
    await engine.finish(job, outcome=CANCELLED)
    assert await engine.retry(id_) == [id_]
    await engine.claim_one(worker)
    beat = await engine.run(heartbeat(worker, holds_lock=False, grace_seconds=1))
    assert beat is not None
    assert list(beat.cancelled) == []
