"""How a worker starts and stops."""

import signal
from pathlib import Path

import asyncpg
import pytest

from dibs import Dibs, JobState
from support import scripted
from support.jobs import effects, in_state
from support.waiting import eventually
from support.workers import StartWorker


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_running_jobs_end_and_hands_back_the_others(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path, signum: int
) -> None:
    short = [scripted.noop.job(n) for n in range(3_000)]
    jobs = await app.enqueue_many([*short, scripted.pass_gate.job(gate=str(gate)), *short])
    worker = start_worker("--queues=default:1")
    running = jobs[len(short)]
    await eventually(lambda: effects(db, running.id))
    worker.send(signum)
    stopping = worker.wait_for(r"stopping: 1 jobs run on for .* (\d+) go back")
    assert int(stopping[1]) > 0, "short jobs are claimed ahead"
    gate.touch()
    assert worker.wait() == 0
    assert (await app.job(running.id)).state is JobState.SUCCEEDED
    assert await db.fetchval("select count(*) from dibs.done") == len(short) + 1
    left = await db.fetch("select distinct attempt from dibs.ready")
    assert [row["attempt"] for row in left] == [0]
    assert await db.fetchval("select count(*) from dibs.lease") == 0
    assert await db.fetchval("select count(*) from dibs.worker") == 0
    assert await effects(db, 0) == ["resource opened", "resource closed"]


@pytest.mark.parametrize("task", [scripted.pass_gate, scripted.pass_gate_in_thread])
async def test_a_job_that_outlasts_the_shutdown_time_is_handed_back_uncounted(
    app: Dibs, start_worker: StartWorker, gate: Path, task: object
) -> None:
    worker = start_worker("--queues=default:1", "--shutdown=0.2")
    job = await task.enqueue(gate=str(gate))
    await in_state(app, job.id, JobState.RUNNING)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    left = await app.job(job.id)
    assert (left.state, left.attempt) == (JobState.READY, 0)


async def test_a_second_signal_does_not_wait_for_running_jobs(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    worker = start_worker("--queues=default:1", "--shutdown=600")
    job = await scripted.pass_gate.enqueue(gate=str(gate))
    await eventually(lambda: effects(db, job.id))
    worker.send(signal.SIGTERM)
    worker.wait_for("stopping: 1 jobs run on")
    worker.send(signal.SIGTERM)
    assert worker.wait() == 1
    left = await app.job(job.id)
    assert (left.state, left.attempt) == (JobState.READY, 0)


async def test_a_thread_that_can_not_be_stopped_does_not_keep_the_process(
    app: Dibs, start_worker: StartWorker, gate: Path
) -> None:
    worker = start_worker("--queues=default:1", "--shutdown=0.1")
    job = await scripted.block.options(timeout=600).enqueue(gate=str(gate))
    await in_state(app, job.id, JobState.RUNNING)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert (await app.job(job.id)).state is JobState.READY


async def test_several_processes_serve_side_by_side_and_stop_together(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    supervisor = start_worker("--processes=2", wait=False)
    await eventually(lambda: _workers(db, 2))
    await app.enqueue_many([scripted.count.job(n) for n in range(500)])
    await eventually(lambda: _effects(db, 500))
    supervisor.send(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert await _workers(db, 0)


async def test_a_process_that_dies_is_replaced(app: Dibs, db: asyncpg.Connection, start_worker: StartWorker) -> None:
    start_worker("--processes=2", wait=False)
    await eventually(lambda: _workers(db, 2))
    job = await scripted.die.enqueue(only_attempt=1)
    done = await in_state(app, job.id, JobState.SUCCEEDED, within=30)
    assert done.attempt == 2
    await eventually(lambda: _workers(db, 2))


async def _workers(db: asyncpg.Connection, count: int) -> bool:
    return await db.fetchval("select count(*) from dibs.worker") == count


async def _effects(db: asyncpg.Connection, count: int) -> bool:
    return await db.fetchval("select count(*) from effect where job_id > 0") >= count


async def test_worker_processes_do_not_outlive_a_killed_supervisor(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    supervisor = start_worker("--processes=2", wait=False)
    await eventually(lambda: _workers(db, 2))
    supervisor.send(signal.SIGKILL)
    await eventually(lambda: _workers(db, 0))


async def test_a_job_that_does_not_let_itself_be_cancelled_does_not_keep_the_process(
    app: Dibs, start_worker: StartWorker
) -> None:
    worker = start_worker("--queues=default:1", "--shutdown=0.1")
    job = await scripted.cling.enqueue()
    await in_state(app, job.id, JobState.RUNNING)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0


async def test_a_worker_that_breaks_ends_and_its_jobs_are_taken_back(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    """Even with a thread that does not stop: else the process stays, and whoever watches over it sees nothing amiss."""
    broken = start_worker("--queues=default:2")
    blocked = await scripted.block.options(timeout=600).enqueue(gate=str(gate))
    await in_state(app, blocked.id, JobState.RUNNING)
    await scripted.cancel_everything.enqueue()
    assert broken.wait() != 0
    assert await db.fetchval("select count(*) from dibs.worker") == 0
    start_worker("--queues=other:1")
    assert (await in_state(app, blocked.id, JobState.FAILED)).attempt == 1, "its only attempt had begun"


async def test_a_worker_that_finds_no_database_stops_at_the_first_signal(start_worker: StartWorker) -> None:
    worker = start_worker(wait=False, url="postgresql://nobody@127.0.0.1:1/nothing")
    worker.wait_for("no connection to Postgres")
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0


async def test_a_claim_that_is_under_way_when_a_worker_stops_is_handed_back(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    """Short jobs at full speed: nearly always one is."""
    await app.enqueue_many([scripted.noop.job(n) for n in range(30_000)])
    for stops in range(1, 6):
        worker = start_worker("--queues=default:100")
        await eventually(lambda: _more_done_than(db, 2_000 * stops))  # noqa: B023 - awaited in this very round
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0
        assert await db.fetchval("select count(*) from dibs.lease") == 0
        assert "were refused" not in worker.output
    assert await db.fetchval("select count(*) from dibs.attempt_error") == 0
    assert await db.fetchval("select coalesce(max(attempt), 0) from dibs.ready") == 0


async def _more_done_than(db: asyncpg.Connection, count: int) -> bool:
    return await db.fetchval("select count(*) from dibs.done") > count
