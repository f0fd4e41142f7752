"""Tasks that end with a transaction: their effect is there once, whatever happens to the worker."""

import signal
from pathlib import Path

import asyncpg
import pytest

from dibs import Dibs, JobState, Task
from support import scripted
from support.jobs import effects, in_state
from support.waiting import eventually
from support.workers import READY, StartWorker

ONCE = ["transacted"]


@pytest.mark.parametrize("task", [scripted.transact, scripted.transact_in_thread])
async def test_a_worker_killed_before_the_commit_leaves_no_effect_and_the_next_one_leaves_it(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path, task: Task
) -> None:
    victim = start_worker("--queues=default:1")
    job = await task.enqueue(gate=str(gate))
    await eventually(lambda: _inside(db, 1))
    victim.send(signal.SIGKILL)
    victim.wait()
    await eventually(lambda: _inside(db, 0))
    start_worker("--queues=default:1")
    await eventually(lambda: _inside(db, 1))
    assert await effects(db, job.id) == []
    gate.touch()
    found = await in_state(app, job.id, JobState.SUCCEEDED)
    assert found.attempt == 2
    assert await effects(db, job.id) == ONCE


@pytest.mark.parametrize("task", [scripted.transact, scripted.transact_in_thread])
async def test_a_worker_stopped_past_its_time_out_can_not_commit_what_another_one_has_done(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path, task: Task
) -> None:
    frozen = start_worker("--queues=default:1", "--timeout=4")
    frozen_id = int(frozen.wait_for(READY)[1])
    job = await task.enqueue(gate=str(gate))
    await eventually(lambda: _inside(db, 1))
    start_worker("--queues=default:1", "--timeout=4")
    frozen.send(signal.SIGSTOP)
    await eventually(lambda: _inside(db, 2), within=20)
    gate.touch()
    ended = await in_state(app, job.id, JobState.SUCCEEDED)
    assert (ended.worker_id != frozen_id, ended.attempt) == (True, 2)
    frozen.send(signal.SIGCONT)
    frozen.wait_for(rf"worker (?!{frozen_id}\b)\d+ goes on")
    await eventually(lambda: _inside(db, 0))
    assert await effects(db, job.id) == ONCE
    assert (await app.job(job.id)).finished_at == ended.finished_at


async def test_what_comes_behind_the_transaction_changes_nothing(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker("--queues=default:1")
    job = await scripted.transact_and_raise.enqueue()
    await in_state(app, job.id, JobState.SUCCEEDED)
    worker.wait_for("its transaction has ended the job, so this changes nothing: too late")
    after = await scripted.count.enqueue(1)
    await in_state(app, after.id, JobState.SUCCEEDED)  # by now, whatever the first job left would have been recorded
    found = await app.job(job.id)
    assert (found.state, found.attempt, found.error) == (JobState.SUCCEEDED, 1, None)
    assert await effects(db, job.id) == ONCE
    assert "refused" not in worker.output


async def test_an_error_inside_is_retried_as_any_other(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    start_worker("--queues=default:1")
    job = await scripted.transact_at_the_second_attempt.enqueue()
    found = await in_state(app, job.id, JobState.SUCCEEDED)
    assert found.attempt == 2
    assert await effects(db, job.id) == ONCE


async def test_a_connection_cut_before_the_commit_costs_an_attempt_and_no_effect(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    start_worker("--queues=default:1")
    job = await scripted.transact.enqueue(gate=str(gate))
    await eventually(lambda: _inside(db, 1))
    await db.execute(f"select pg_terminate_backend(pid) from ({INSIDE}) open_transactions")
    await eventually(lambda: _inside(db, 0))
    gate.touch()
    found = await in_state(app, job.id, JobState.SUCCEEDED)
    assert found.attempt == 2
    assert await effects(db, job.id) == ONCE


async def test_the_batch_counts_it_once(app: Dibs, db: asyncpg.Connection, start_worker: StartWorker) -> None:
    start_worker("--queues=default:4")
    batch = await app.batch("transacted", [scripted.transact_and_raise.job() for _ in range(10)])
    async for progress in app.watch_batch(batch.id):
        last = progress
    assert (last.succeeded, last.failed, last.total) == (10, 0, 10)
    assert await db.fetchval("select count(*) from effect where what = 'transacted'") == 10


INSIDE = """
select pid from pg_stat_activity
where datname = current_database() and state = 'idle in transaction' and query like '%transacted%'
"""


async def _inside(db: asyncpg.Connection, count: int) -> bool:
    """So many jobs have written their effect and have not committed it yet."""
    return await db.fetchval(f"select count(*) from ({INSIDE}) open_transactions") == count
