"""Enqueue: what is asked for is written once, and stands where its time says."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from dibs.domain.limits import ENQUEUE_ROWS_MAX
from dibs.domain.retry import Retry
from dibs.engine.enqueue import enqueue
from support.engine import Connect, Engine, new_job


async def test_a_job_is_put_in_line_as_it_was_asked_for(engine: Engine):
    wanted = new_job(
        "mail",
        task="shop.send",
        args_json='{"to": "a@b"}',
        priority=-7,
        max_attempts=4,
        timeout_seconds=2.5,
        retry=Retry(delays=[1, 2, 3]),
        tags=("red", "naïve, 'quoted' {tag}"),
    )
    (id_,) = await engine.enqueue(wanted)
    job = await engine.job(id_)
    assert (job.task, job.queue, job.state, job.attempt, job.priority) == ("shop.send", "mail", "ready", 0, -7)
    assert (job.args, job.max_attempts, job.tags, job.batch_id) == ({"to": "a@b"}, 4, wanted.tags, None)
    claimed = await engine.claim_one(await engine.register("mail"), "mail")
    assert (claimed.args_json, claimed.timeout_seconds) == (wanted.args_json, 2.5)
    assert claimed.retry_json is not None


async def test_ids_come_in_the_order_of_the_jobs(engine: Engine):
    made = await engine.run(enqueue([new_job(f"q{n % 3}", task=f"task{n}") for n in range(100)]))
    assert [job.id for job in made] == sorted(job.id for job in made)
    stored = await engine.connection.fetch("select task, id from dibs.job order by id")
    assert [(job.task, job.id) for job in made] == [tuple(row) for row in stored]


async def test_more_than_one_statement_holds_keep_their_order(engine: Engine):
    count = ENQUEUE_ROWS_MAX + 1
    async with engine.connection.transaction():
        made = await engine.run(enqueue([new_job(task=f"t{n}") for n in range(count)]))
    assert len({job.id for job in made}) == count
    assert [job.task for job in sorted(made, key=lambda job: job.id)] == [f"t{n}" for n in range(count)]


async def test_nothing_is_enqueued_by_an_empty_list(engine: Engine):
    assert await engine.run(enqueue([])) == []


async def test_a_rolled_back_enqueue_leaves_nothing(engine: Engine, connect: Connect):
    transaction = engine.connection.transaction()
    await transaction.start()
    (id_,) = await engine.enqueue(new_job("new-queue"))
    other = await connect()
    worker = await other.register("new-queue-of-others", "default")
    assert await other.claim(worker) == []
    assert await engine.count("ready") == 1
    await transaction.rollback()
    assert [await other.count(table) for table in ("job", "ready", "scheduled")] == [0, 0, 0]
    assert await other.row("ready", id_) is None


async def test_an_enqueue_shows_when_its_transaction_commits(engine: Engine, connect: Connect):
    other = await connect()
    worker = await other.register()
    async with engine.connection.transaction():
        await engine.enqueue()
        assert await other.claim(worker) == []
    assert len(await other.claim(worker)) == 1


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_an_enqueue_joins_a_transaction_of_any_isolation(engine: Engine, isolation: str):
    async with engine.connection.transaction(isolation=isolation):
        await engine.enqueue(new_job("first"), new_job("second"))
        await engine.enqueue(new_job("first"))
    assert await engine.count("ready") == 3


async def test_a_delay_counts_by_the_databases_clock(engine: Engine):
    await engine.move_clock("3 days")
    before = await engine.connection.fetchval("select dibs.clock()")
    (id_,) = await engine.enqueue(new_job(delay_seconds=60))
    job = await engine.job(id_)
    assert job.state == "scheduled"
    assert job.reason == "delay"
    assert job.run_at is not None
    assert timedelta(seconds=60) <= job.run_at - before < timedelta(seconds=90)
    assert job.enqueued_at - before < timedelta(seconds=30)


@pytest.mark.parametrize(
    "fields", [{"delay_seconds": 0}, {"delay_seconds": -5}, {"run_at": datetime(2001, 1, 1, tzinfo=UTC)}]
)
async def test_what_is_due_already_goes_in_line(engine: Engine, fields: dict[str, object]):
    (id_,) = await engine.enqueue(new_job(**fields))
    assert await engine.ids("ready") == [id_]
    assert await engine.count("scheduled") == 0


async def test_a_moment_to_run_at_is_kept_exactly(engine: Engine):
    moment = datetime(2999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    (id_,) = await engine.enqueue(new_job(run_at=moment))
    assert (await engine.job(id_)).run_at == moment


async def test_a_nul_in_the_arguments_is_kept(engine: Engine):
    (id_,) = await engine.enqueue(new_job(args_json=r'{"text": "a\u0000b"}'))
    assert (await engine.job(id_)).args == {"text": "a\x00b"}
    claimed = await engine.claim_one(await engine.register())
    assert claimed.args_json == r'{"text": "a\u0000b"}'


async def test_callers_that_meet_at_a_new_queue_make_it_once(connect: Connect):
    engines = [await connect() for _ in range(8)]
    await asyncio.gather(*(engine.enqueue(new_job("fresh"), new_job("new")) for engine in engines))
    assert await engines[0].count("queue") == 2
    assert await engines[0].count("ready") == 16


async def test_a_job_the_tables_refuse_takes_its_neighbours_with_it(engine: Engine):
    with pytest.raises(asyncpg.CheckViolationError):
        await engine.enqueue(new_job(), new_job("no such name!"))
    assert await engine.count("job") == 0
