"""Rescue: what lost workers held goes back, once, and no living worker loses anything."""

import asyncio

import pytest

from dibs.domain.outcome import SUCCEEDED, Outcome, Verdict
from dibs.engine.claim import Floor
from dibs.engine.liveness import deregister, heartbeat, hold
from dibs.engine.rescue import disown
from support.engine import FAILED, GRACE_SECONDS, HEARTBEAT_TIMEOUT_SECONDS, RETRY, Connect, Engine, new_job


async def age(engine: Engine, worker: int, seconds: float) -> None:
    """As if the worker's last heartbeat lay so far back."""
    await engine.connection.execute(
        "update dibs.worker set heartbeat_at = dibs.clock() - $2 * interval '1 second' where id = $1", worker, seconds
    )


async def silent(engine: Engine, *workers: int) -> None:
    """They could not get their advisory lock: their heartbeats alone tell that they live."""
    for worker in workers:
        await engine.run(heartbeat(worker, holds_lock=False, grace_seconds=GRACE_SECONDS))


@pytest.fixture
async def other(connect: Connect) -> Engine:
    return await connect()


async def test_a_worker_whose_heartbeat_timed_out_is_given_up(engine: Engine):
    ids = await engine.enqueue(*[new_job("mail", priority=3, max_attempts=2)] * 2)
    lost, asking = await engine.register("mail"), await engine.register("mail")
    await engine.claim(lost, 2, "mail")
    await age(engine, lost, HEARTBEAT_TIMEOUT_SECONDS + 1)
    rescued = await engine.rescue(asking)
    assert [(job.job_id, job.worker_id, job.attempt, job.outcome) for job in rescued] == [
        (i, lost, 1, "h") for i in ids
    ]
    row = await engine.row("ready", ids[0])
    assert row is not None
    assert (row["attempt"], row["lost"], row["priority"], row["queue_id"]) == (1, 1, 3, await engine.queue("mail"))
    workers = await engine.connection.fetch("select id from dibs.worker")
    assert [row[0] for row in workers] == [asking]
    assert await engine.run(heartbeat(lost, holds_lock=False, grace_seconds=GRACE_SECONDS)) is None
    assert await engine.rescue(asking) == []


async def test_the_databases_clock_decides(engine: Engine):
    await engine.enqueue(new_job(max_attempts=2))
    lost, asking = await engine.register(), await engine.register()
    await engine.claim_one(lost)
    await silent(engine, lost)
    await engine.move_clock(f"{HEARTBEAT_TIMEOUT_SECONDS - 5} seconds")
    assert await engine.rescue(asking) == []
    await engine.move_clock(f"{HEARTBEAT_TIMEOUT_SECONDS + 5} seconds")
    assert len(await engine.rescue(asking)) == 1


async def test_each_worker_has_a_time_out_of_its_own(engine: Engine):
    await engine.enqueue(*[new_job(max_attempts=2)] * 2)
    hasty, patient, asking = [await engine.register(timeout_seconds=s) for s in (5, 500, 30)]
    await engine.claim_one(hasty)
    await engine.claim_one(patient)
    await silent(engine, hasty, patient)
    await engine.move_clock("1 minute")
    await age(engine, asking, 0)
    assert [job.worker_id for job in await engine.rescue(asking)] == [hasty]


async def test_a_killed_worker_is_known_by_its_free_lock_after_the_grace(engine: Engine, other: Engine):
    await engine.enqueue(new_job(max_attempts=2))
    lost, asking = await engine.register(), await engine.register()
    await engine.claim_one(lost)
    assert await other.run(hold(lost))
    await other.run(heartbeat(lost, holds_lock=True, grace_seconds=GRACE_SECONDS))
    await age(engine, lost, GRACE_SECONDS + 1)
    assert await engine.rescue(asking) == [], "its process is there: the lock is held"
    await other.connection.execute("select pg_advisory_unlock_all()")
    await age(engine, lost, GRACE_SECONDS - 1)
    assert await engine.rescue(asking) == [], "the grace is not over: it may only have lost its connection"
    await age(engine, lost, GRACE_SECONDS + 1)
    assert [job.worker_id for job in await engine.rescue(asking)] == [lost]


async def test_a_worker_without_its_lock_is_judged_by_its_heartbeat_alone(engine: Engine):
    await engine.enqueue(new_job(max_attempts=2))
    unlocked, asking = await engine.register(), await engine.register()
    await engine.claim_one(unlocked)
    await silent(engine, unlocked)
    await age(engine, unlocked, GRACE_SECONDS + 1)
    assert await engine.rescue(asking) == []


async def test_a_worker_that_died_before_its_first_heartbeat_is_known_after_the_grace(engine: Engine):
    await engine.enqueue(new_job(max_attempts=2))
    young, asking = await engine.register(), await engine.register()
    await engine.claim_one(young)
    await age(engine, young, GRACE_SECONDS + 1)
    assert [job.worker_id for job in await engine.rescue(asking)] == [young]


async def test_the_lock_can_be_held_once_only(engine: Engine, other: Engine):
    worker = await engine.register()
    assert await engine.run(hold(worker))
    assert not await other.run(hold(worker))


async def test_a_worker_does_not_give_itself_up(engine: Engine):
    await engine.enqueue(new_job(max_attempts=2))
    worker = await engine.register()
    await engine.claim_one(worker)
    await engine.move_clock("1 day")
    assert await engine.rescue(worker) == []
    assert await engine.count("worker") == 1


async def test_a_worker_with_a_claim_under_way_is_alive(engine: Engine, other: Engine):
    await engine.enqueue(*[new_job(max_attempts=2)] * 2)
    slow, asking = await engine.register(), await engine.register()
    async with other.connection.transaction():
        await other.claim_one(slow)
        await engine.move_clock("1 hour")
        assert await asyncio.wait_for(engine.rescue(asking), 10) == []
    assert await engine.count("worker") == 2
    assert len(await engine.rescue(asking)) == 1, "once the claim is over, silence counts again"


async def test_no_lease_is_made_for_a_worker_that_is_being_given_up(engine: Engine, other: Engine):
    await engine.enqueue(*[new_job(max_attempts=2)] * 2)
    lost, asking = await engine.register(), await engine.register()
    await other.queue()
    await engine.move_clock("1 hour")
    async with engine.connection.transaction():
        await engine.rescue(asking)
        claiming = asyncio.ensure_future(other.claim(lost, 2))
        await engine.until_blocked(other)
    assert await claiming == []
    assert await engine.count("ready") == 2


async def test_the_same_holds_for_the_claim_that_records_successes(engine: Engine, other: Engine):
    await engine.enqueue(*[new_job(max_attempts=2)] * 2)
    lost, asking, queue = await engine.register(), await engine.register(), await engine.queue()
    await engine.move_clock("1 hour")
    async with engine.connection.transaction():
        await engine.rescue(asking)
        claiming = asyncio.ensure_future(other.succeed_and_claim(lost, [], [Floor(queue, 0, 0)], {queue: 2}))
        await engine.until_blocked(other)
    assert (await claiming).claimed == []
    assert await engine.count("ready") == 2


async def test_a_lease_of_a_worker_nobody_knows_is_taken_back(engine: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=2))
    gone, asking = await engine.register(), await engine.register()
    await engine.claim_one(gone)
    await engine.run(deregister(gone))
    assert [(job.job_id, job.worker_id) for job in await engine.rescue(asking)] == [(id_, gone)]


async def test_a_job_without_attempts_left_is_a_dead_letter_that_says_why(engine: Engine):
    batch, (id_,) = await engine.batch(new_job(max_attempts=1))
    lost = await engine.register()
    await engine.claim_one(lost)
    await engine.move_clock("1 hour")
    (rescued,) = await engine.rescue()
    assert rescued.outcome == "f"
    job = await engine.job(id_)
    assert (job.state, job.attempt, job.worker_id) == ("failed", 1, lost)
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.error == f"WorkerLost: worker {lost} (host, process 4711) was lost while it held this job"
    assert await engine.connection.fetchval("select failed from dibs.batch_delta where batch_id = $1", batch) == 1


async def test_a_job_lost_again_and_again_counts_its_losses_until_it_is_dead(engine: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=3))
    for loss in range(3):
        job = await engine.claim_one(await engine.register())
        assert (job.attempt, job.lost) == (loss + 1, loss)
        await engine.connection.execute("delete from dibs.worker")
        await engine.rescue()
    assert (await engine.job(id_)).state == "failed"
    errors = await engine.connection.fetch("select attempt, error_type from dibs.attempt_error order by id")
    assert [tuple(row) for row in errors] == [(n, "WorkerLost") for n in (1, 2, 3)]


@pytest.mark.parametrize("outcome", [RETRY, Outcome(Verdict.RETRY), Outcome(Verdict.SNOOZE)])
async def test_an_attempt_that_ended_by_itself_clears_the_losses(engine: Engine, outcome: Outcome):
    (id_,) = await engine.enqueue(new_job(max_attempts=5))
    await engine.claim_one(await engine.register())
    await engine.connection.execute("delete from dibs.worker")
    await engine.rescue()
    worker = await engine.register()
    job = await engine.claim_one(worker)
    assert job.lost == 1
    await engine.finish(job, outcome=outcome)
    await engine.retry(id_)
    assert (await engine.claim_one(worker)).lost == 0


async def test_a_wish_to_cancel_is_honoured(engine: Engine):
    batch, (id_,) = await engine.batch(new_job(max_attempts=5))
    await engine.claim_one(await engine.register())
    await engine.cancel(id_)
    await engine.move_clock("1 hour")
    (rescued,) = await engine.rescue()
    assert rescued.outcome == "c"
    assert (await engine.job(id_)).state == "cancelled"
    assert await engine.connection.fetchval("select cancelled from dibs.batch_delta where batch_id = $1", batch) == 1


async def test_two_rescuers_at_once_take_each_job_back_once(engine: Engine, other: Engine):
    ids = await engine.enqueue(*[new_job(max_attempts=2)] * 50)
    lost = await engine.register()
    await engine.claim(lost, 50)
    await age(engine, lost, 3600)
    first, second = await asyncio.gather(engine.rescue(), other.rescue())
    assert sorted(job.job_id for job in [*first, *second]) == ids
    assert await engine.count("attempt_error") == 50


async def test_a_second_rescuer_does_not_wait_for_the_first(engine: Engine, other: Engine):
    await engine.enqueue(*[new_job(max_attempts=2)] * 3)
    lost = await engine.register()
    await engine.claim(lost, 3)
    await age(engine, lost, 3600)
    async with engine.connection.transaction():
        assert len(await engine.rescue()) == 3
        assert await asyncio.wait_for(other.rescue(), 10) == []


async def test_an_ending_under_way_is_left_alone_by_a_rescue(engine: Engine, other: Engine):
    ids = await engine.enqueue(*[new_job(max_attempts=2)] * 2)
    lost = await engine.register()
    jobs = await engine.claim(lost, 2)
    await age(engine, lost, 3600)
    async with other.connection.transaction():
        await other.finish(jobs[0])
        assert [job.job_id for job in await asyncio.wait_for(engine.rescue(), 10)] == [ids[1]]
    assert (await engine.job(ids[0])).state == "succeeded"
    assert await engine.rescue() == []


async def test_what_an_ending_rolled_back_leaves_is_rescued_next_time(engine: Engine, other: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=2))
    lost = await engine.register()
    job = await engine.claim_one(lost)
    await age(engine, lost, 3600)
    transaction = other.connection.transaction()
    await transaction.start()
    await other.finish(job)
    assert await engine.rescue() == []
    await transaction.rollback()
    assert [job.job_id for job in await engine.rescue()] == [id_]


@pytest.mark.parametrize("short_way", [True, False])
async def test_an_ending_that_comes_during_a_rescue_waits_and_is_refused(
    engine: Engine, other: Engine, *, short_way: bool
):
    (id_,) = await engine.enqueue(new_job(max_attempts=2))
    lost = await engine.register()
    job = await engine.claim_one(lost)
    await age(engine, lost, 3600)
    async with engine.connection.transaction():
        await engine.rescue()
        if short_way:
            ending = asyncio.ensure_future(other.succeed_and_claim(lost, [job]))
        else:
            ending = asyncio.ensure_future(other.finish(job))
        await engine.until_blocked(other)
    answer = await ending
    assert list(answer if isinstance(answer, list) else answer.refused) == [id_]
    assert (await engine.job(id_)).state == "ready"
    assert await engine.count("done") == 0


async def test_endings_and_rescues_in_a_storm_give_each_job_one_ending(engine: Engine, connect: Connect):
    """Workers that finish while others give them up, and start over: however it falls, one ending each."""
    ids = await engine.enqueue(*[new_job(max_attempts=1000)] * 40)
    refused, rescued = 0, []

    async def work() -> None:
        nonlocal refused
        mine = await connect()
        while True:
            worker = await mine.register(timeout_seconds=0.000001)
            jobs = await mine.claim(worker, 10)
            if not jobs and await mine.count("lease") + await mine.count("ready") == 0:
                return
            await asyncio.sleep(0)
            for job in jobs[::2]:
                refused += len(await mine.finish(job, outcome=SUCCEEDED))
            refused += len((await mine.succeed_and_claim(worker, jobs[1::2])).refused)

    async def give_up() -> None:
        mine = await connect()
        while await mine.count("done") < len(ids):
            rescued.extend(await mine.rescue(grace_seconds=0))

    async with asyncio.timeout(60):
        await asyncio.gather(*(work() for _ in range(4)), give_up(), give_up())
    assert await engine.ids("done") == ids
    assert rescued, "or this test has shown nothing"
    assert refused <= len(rescued)


async def test_disown_hands_back_the_claims_that_the_worker_does_not_know(engine: Engine):
    ids = await engine.enqueue(*[new_job(max_attempts=1)] * 4)
    me, other_worker = await engine.register(), await engine.register()
    unheard = await engine.claim(me, 2)
    (known,) = await engine.claim(me, 1)
    await engine.claim(other_worker, 1)
    await engine.connection.execute("update dibs.lease set lost = 1")
    assert await engine.run(disown(me, [known.token])) == ids[:2]
    assert await engine.ids("lease") == ids[2:]
    row = await engine.row("ready", ids[0])
    assert row is not None
    assert (row["attempt"], row["lost"]) == (0, 1)
    assert await engine.finish(unheard[0]) == [ids[0]]
    assert await engine.finish(known) == []


async def test_disown_of_a_worker_that_knows_all_does_nothing(engine: Engine):
    await engine.enqueue(count=2)
    me = await engine.register()
    jobs = await engine.claim(me, 2)
    assert await engine.run(disown(me, [job.token for job in jobs])) == []
    assert await engine.run(disown(4711, [])) == []


async def test_a_failure_told_late_does_not_kill_a_rescued_job(engine: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=2))
    job = await engine.claim_one(await engine.register())
    await engine.move_clock("1 hour")
    await engine.rescue()
    assert await engine.finish(job, outcome=FAILED) == [id_]
    assert (await engine.job(id_)).state == "ready"
