"""Claim: the best jobs first, each to one worker only."""

import asyncio
from collections import Counter
from pathlib import Path

import asyncpg

from dibs.domain.job import ClaimedJob
from dibs.engine.claim import claim
from dibs.storage import embedded
from dibs.storage.connect import WORKER_SETTINGS
from dibs.storage.migrate import migrate
from support.conservation import assert_conserved
from support.engine import Connect, Engine, new_job
from support.postgres import FAST_SETTINGS


async def test_an_empty_queue_gives_nothing(engine: Engine):
    worker = await engine.register()
    assert await engine.claim(worker, 10) == []
    assert await engine.run(claim(worker, {4711: 3})) == []
    assert await engine.run(claim(worker, {})) == []


async def test_first_in_first_out(engine: Engine):
    ids = await engine.enqueue(count=5)
    worker = await engine.register()
    assert [job.id for job in await engine.claim(worker, 3)] == ids[:3]
    assert [job.id for job in await engine.claim(worker, 3)] == ids[3:]


async def test_the_higher_priority_goes_first(engine: Engine):
    low, high, middle, high_too = await engine.enqueue(*(new_job(priority=p) for p in (-1, 9, 0, 9)))
    worker = await engine.register()
    assert [job.id for job in await engine.claim(worker, 3)] == [high, high_too, middle]
    assert [job.id for job in await engine.claim(worker, 3)] == [low]


async def test_each_queue_gives_as_many_as_asked_for(engine: Engine):
    await engine.enqueue(*[new_job("a")] * 5, *[new_job("b")] * 5, *[new_job("c")] * 5)
    worker = await engine.register("a", "b", "c")
    a, b, c = [await engine.queue(name) for name in "abc"]
    claimed = await engine.run(claim(worker, {a: 2, b: 3, c: 0}))
    assert Counter(job.queue_id for job in claimed) == {a: 2, b: 3}
    assert await engine.count("ready") == 10


async def test_a_claim_counts_the_attempt_and_makes_a_lease(engine: Engine):
    batch, (id_,) = await engine.batch(new_job(max_attempts=3, priority=2))
    worker = await engine.register()
    job = await engine.claim_one(worker)
    assert (job.id, job.attempt, job.lost, job.max_attempts, job.batch_id) == (id_, 1, 0, 3, batch)
    lease = await engine.row("lease", id_)
    assert lease is not None
    assert (lease["token"], lease["worker_id"], lease["attempt"], lease["batch_id"]) == (job.token, worker, 1, batch)
    seen = await engine.job(id_)
    assert (seen.state, seen.worker_id, seen.attempt, seen.started_at) == ("running", worker, 1, lease["leased_at"])


async def test_each_claim_has_one_token_never_used_again(engine: Engine):
    await engine.enqueue(count=4)
    worker = await engine.register()
    first, second = await engine.claim(worker, 2), await engine.claim(worker, 2)
    assert len({job.token for job in first}) == len({job.token for job in second}) == 1
    assert second[0].token > first[0].token


async def test_a_worker_that_is_not_registered_claims_nothing(engine: Engine):
    await engine.enqueue()
    worker = await engine.register()
    await engine.connection.execute("delete from dibs.worker")
    assert await engine.claim(worker) == []
    queue = await engine.queue()
    assert (await engine.succeed_and_claim(worker, [], wanted={queue: 1})).claimed == []
    assert await engine.count("ready") == 1


async def test_a_claim_never_waits_for_another(engine: Engine, connect: Connect):
    ids = await engine.enqueue(count=4)
    worker, other = await engine.register(), await connect()
    async with engine.connection.transaction():
        assert [job.id for job in await engine.claim(worker, 2)] == ids[:2]
        assert [job.id for job in await asyncio.wait_for(other.claim(worker, 2), 10)] == ids[2:]
        assert await asyncio.wait_for(other.claim(worker, 2), 10) == []


async def test_a_claim_that_is_rolled_back_leaves_the_jobs_in_line(engine: Engine):
    ids = await engine.enqueue(count=2)
    worker = await engine.register()
    transaction = engine.connection.transaction()
    await transaction.start()
    await engine.claim(worker, 2)
    await transaction.rollback()
    again = await engine.claim(worker, 2)
    assert [(job.id, job.attempt) for job in again] == [(id_, 1) for id_ in ids]


async def test_claimers_meet_in_peace_in_a_database_with_a_stricter_default(
    engine: Engine, connect: Connect, database_url: str
):
    await engine.connection.execute(
        f"alter database {database_url.partition('?')[0].rpartition('/')[2]} "
        "set default_transaction_isolation = 'serializable'"
    )
    ids = await engine.enqueue(count=200)
    worker = await engine.register()

    async def take() -> list[int]:
        mine, taken = await connect(), []
        while jobs := await mine.claim(worker, 5):
            await mine.finish(*jobs)
            taken += [job.id for job in jobs]
        return taken

    assert sorted(id_ for part in await asyncio.gather(*(take() for _ in range(4))) for id_ in part) == ids


async def test_two_hundred_concurrent_claimers_take_no_job_twice(short_folder: Path):
    """On a server of its own: with so many connections, others of the run would find none left."""
    jobs, claimers = 5_000, 200
    with embedded.start(short_folder, settings={**FAST_SETTINGS, "max_connections": 220}) as server:
        first = Engine(await asyncpg.connect(server.dsn))
        await migrate(first.connection)
        ids = await first.enqueue(count=jobs)
        worker, queue = await first.register(), await first.queue()
        gate = asyncio.Event()

        async def take() -> list[ClaimedJob]:
            connection = await asyncpg.connect(server.dsn, server_settings=WORKER_SETTINGS, timeout=60)
            mine = Engine(connection)
            await gate.wait()
            taken: list[ClaimedJob] = []
            while claimed := await mine.run(claim(worker, {queue: 7})):
                taken += claimed
            await connection.close()
            return taken

        taking = [asyncio.ensure_future(take()) for _ in range(claimers)]
        gate.set()
        taken = [job for part in await asyncio.gather(*taking) for job in part]
        assert sorted(job.id for job in taken) == ids
        assert await first.count("lease") == jobs
        assert await first.finish(*taken) == []
        await assert_conserved(first.connection)
        await first.connection.close()
