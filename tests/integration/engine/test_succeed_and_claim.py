"""Record successes and claim what comes next, in one round trip."""

from dibs.engine.claim import Floor
from support.engine import Engine, new_job


async def test_successes_end_and_the_next_jobs_begin(engine: Engine):
    batch, _ = await engine.batch(*[new_job()] * 4)
    worker, queue = await engine.register(), await engine.queue()
    first = await engine.claim(worker, 2)
    trip = await engine.succeed_and_claim(worker, first, [Floor(queue, 0, first[-1].id + 1)], {queue: 2})
    assert list(trip.refused) == []
    assert [job.id for job in trip.claimed] == [first[-1].id + 1, first[-1].id + 2]
    assert {job.token for job in trip.claimed}.isdisjoint(job.token for job in first)
    assert await engine.ids("done") == [job.id for job in first]
    done = await engine.job(first[0].id)
    assert (done.state, done.attempt, done.worker_id) == ("succeeded", 1, worker)
    assert done.started_at is not None
    assert done.finished_at is not None
    assert (
        await engine.connection.fetchval("select sum(succeeded) from dibs.batch_delta where batch_id = $1", batch) == 2
    )


async def test_nothing_to_record_and_nothing_to_claim_is_fine(engine: Engine):
    trip = await engine.succeed_and_claim(await engine.register(), [])
    assert trip.claimed == []
    assert list(trip.refused) == []


async def test_exactly_the_stale_successes_are_refused(engine: Engine):
    await engine.enqueue(count=4)
    worker = await engine.register()
    jobs = await engine.claim(worker, 4)
    await engine.finish(jobs[1], jobs[3])
    trip = await engine.succeed_and_claim(worker, jobs)
    assert sorted(trip.refused) == [jobs[1].id, jobs[3].id]
    assert await engine.ids("done") == [job.id for job in jobs]


async def test_a_stale_success_is_refused_even_beside_the_valid_one_of_the_same_job(engine: Engine):
    """The worker holds the job again while its old run still went on, and both end within one flush."""
    (id_,) = await engine.enqueue(new_job(max_attempts=2))
    worker = await engine.register()
    old = await engine.claim_one(worker)
    await engine.connection.execute("delete from dibs.worker")
    await engine.rescue()
    worker = await engine.register()
    new = await engine.claim_one(worker)
    trip = await engine.succeed_and_claim(worker, [old, new])
    assert list(trip.refused) == [id_]
    done = await engine.row("done", id_)
    assert done is not None
    assert done["attempt"] == 2


async def test_a_success_told_twice_at_once_ends_the_job_once(engine: Engine):
    (id_,) = await engine.enqueue()
    worker = await engine.register()
    job = await engine.claim_one(worker)
    await engine.succeed_and_claim(worker, [job, job])
    assert await engine.ids("done") == [id_]


async def test_the_claim_begins_at_the_floor(engine: Engine):
    ids = await engine.enqueue(count=4)
    worker, queue = await engine.register(), await engine.queue()
    trip = await engine.succeed_and_claim(worker, [], [Floor(queue, 0, ids[2])], {queue: 10})
    assert [job.id for job in trip.claimed] == ids[2:]


async def test_a_floor_is_only_a_hint(engine: Engine):
    """A job below the floor, and one of a priority without a floor, are found from the head of the line."""
    ids = await engine.enqueue(new_job(), new_job(), new_job(priority=5))
    worker, queue = await engine.register(), await engine.queue()
    assert (await engine.succeed_and_claim(worker, [], [Floor(queue, 0, ids[2] + 1)], {queue: 10})).claimed == []
    assert (await engine.succeed_and_claim(worker, [], [], {queue: 10})).claimed == []
    assert [job.id for job in await engine.claim(worker, 10)] == [ids[2], ids[0], ids[1]]


async def test_floors_are_visited_best_priority_first_and_no_more_than_wanted_is_locked(engine: Engine):
    ids = await engine.enqueue(*(new_job(priority=p) for p in (1, 1, 5, 1, 5)))
    worker, queue = await engine.register(), await engine.queue()
    floors = [Floor(queue, 5, 0), Floor(queue, 1, 0)]
    trip = await engine.succeed_and_claim(worker, [], floors, {queue: 3})
    assert [job.id for job in trip.claimed] == [ids[2], ids[4], ids[0]]
    assert await engine.ids("ready") == [ids[1], ids[3]]


async def test_floors_of_one_queue_do_not_move_another(engine: Engine):
    a, b = await engine.enqueue(new_job("a"), new_job("b"))
    worker = await engine.register("a", "b")
    queue_a, queue_b = await engine.queue("a"), await engine.queue("b")
    floors = [Floor(queue_a, 0, a), Floor(queue_b, 0, b + 1)]
    trip = await engine.succeed_and_claim(worker, [], floors, {queue_a: 5, queue_b: 5})
    assert [job.id for job in trip.claimed] == [a]
