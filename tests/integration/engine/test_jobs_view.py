"""The view `dibs.jobs`: what people read, each job once, in the right state."""

import asyncio

import pytest

from dibs.domain.outcome import CANCELLED, SUCCEEDED
from dibs.domain.state import JobState
from dibs.engine.inspect import JobFilter, get_jobs, list_jobs
from support.engine import FAILED, Connect, Engine, new_job


@pytest.fixture
async def one_in_each_state(engine: Engine) -> dict[JobState, int]:
    worker = await engine.register()
    ids = await engine.enqueue(count=4)
    succeeded, failed, cancelled, _ = await engine.claim(worker, 4)
    await engine.finish(succeeded, outcome=SUCCEEDED)
    await engine.finish(failed, outcome=FAILED)
    await engine.finish(cancelled, outcome=CANCELLED)
    ready, scheduled = await engine.enqueue(new_job(), new_job(delay_seconds=60))
    states = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.RUNNING]
    return {**dict(zip(states, ids, strict=True)), JobState.READY: ready, JobState.SCHEDULED: scheduled}


async def test_each_job_is_shown_once_in_its_state(engine: Engine, one_in_each_state: dict[JobState, int]):
    shown = await engine.connection.fetch("select id, state from dibs.jobs")
    assert sorted((row["id"], row["state"]) for row in shown) == sorted(
        (i, s.value) for s, i in one_in_each_state.items()
    )
    for state, id_ in one_in_each_state.items():
        assert [job.id for job in await engine.run(list_jobs(JobFilter(state=state), 10))] == [id_]


async def test_times_are_shown_where_they_mean_something(engine: Engine, one_in_each_state: dict[JobState, int]):
    for state, id_ in one_in_each_state.items():
        job = await engine.job(id_)
        assert (job.run_at is not None) == (state is JobState.SCHEDULED)
        assert (job.finished_at is not None) == state.is_final
        assert (job.started_at is not None) == (state.is_final or state is JobState.RUNNING)
        assert (job.worker_id is not None) == (job.started_at is not None)
        assert (job.error is not None) == (state is JobState.FAILED)


async def test_jobs_are_listed_by_what_one_knows_of_them_newest_first(engine: Engine):
    plain = await engine.enqueue(count=2)
    batch, (in_batch,) = await engine.batch(new_job())
    (other_task,) = await engine.enqueue(new_job("mail", task="other"))

    async def listed(limit: int = 10, **wanted: object) -> list[int]:
        return [job.id for job in await engine.run(list_jobs(JobFilter(**wanted), limit))]

    assert await listed() == [other_task, in_batch, *reversed(plain)]
    assert await listed(2) == [other_task, in_batch]
    assert await listed(before_id=in_batch) == list(reversed(plain))
    assert await listed(batch_id=batch) == [in_batch]
    assert await listed(queue="mail") == await listed(task="other") == [other_task]
    assert await listed(queue="mail", task="tests.task") == []


async def test_unknown_ids_are_left_out(engine: Engine):
    (id_,) = await engine.enqueue()
    assert [job.id for job in await engine.run(get_jobs([id_, 4711]))] == [id_]


async def test_nobody_ever_sees_a_job_twice_or_not_at_all_while_jobs_move(engine: Engine, connect: Connect):
    ids = await engine.enqueue(*[new_job(max_attempts=1000)] * 20)
    watching, working = True, await connect()

    async def look() -> None:
        mine = await connect()
        while watching:
            seen = [row[0] for row in await mine.connection.fetch("select id from dibs.jobs order by id")]
            assert seen == ids

    looking = asyncio.ensure_future(look())
    worker = await working.register()
    for _ in range(20):
        jobs = await working.claim(worker, 10)
        await working.finish(*jobs, outcome=FAILED)
        await working.retry(*ids)
    watching = False
    await looking
