"""The whole life of a worker whose role may do no more than workers do."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from dibs import Dibs
from support.conservation import assert_conserved
from support.engine import Engine, new_job
from support.grants import Grant
from support.processes import Child
from support.waiting import eventually
from support.workers import READY

APP = """
import asyncio
from pathlib import Path
from datetime import timedelta
from dibs import Dibs, PermanentError, Retention, Retry, Snooze, current_job

app = Dibs(retention=Retention(finished=timedelta(hours=1)))
retry = Retry(delays=[0.05], attempts=3, jitter=0)

@app.task(retry=retry)
async def fail_once() -> None:
    current_job().progress(1, 2, "half")
    if current_job().attempt == 1:
        raise ValueError("once")

@app.task(retry=retry)
async def snooze_once(mark: str) -> None:
    if not Path(mark).exists():
        Path(mark).touch()
        raise Snooze(0.05)

@app.task()
async def dead_letter() -> None:
    raise PermanentError("no")

@app.task(retry=retry)
async def wait(gate: str) -> None:
    while not Path(gate).exists():
        await asyncio.sleep(0.01)

@app.task()
def transact() -> None:
    with current_job().transaction() as connection:
        connection.execute("select 1")

@app.task(retry=retry)
async def follow() -> None:
    await fail_once.enqueue()
"""
QUICK = "import dibs.worker.worker as w; w.PRUNE_FIRST_SECONDS = 0.2; w.SWEEP_SECONDS = 0.5"
DENIED = "permission denied"


@pytest.fixture
def work(run_child: Callable[..., Child], tmp_path: Path) -> Callable[..., Child]:
    """Start a worker as a role, and wait until it serves."""
    (tmp_path / "crew.py").write_text(APP)

    def start(url: str, *, wait: bool = True) -> Child:
        command = f"{QUICK}\nfrom dibs.cli import main\nmain()"
        child = run_child(
            [sys.executable, "-c", command, "worker", "crew:app"],
            env={**os.environ, "DIBS_DATABASE_URL": url, "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
        )
        if wait:
            child.wait_for(READY)
        return child

    return start


def job(task: str, args: str = "{}", attempts: int = 3):
    return new_job(task=f"crew.{task}", args_json=args, max_attempts=attempts)


async def test_a_worker_lives_its_whole_life(
    database_url: str, grant: Grant, work: Callable[[str], Child], tmp_path: Path
):
    db = await asyncpg.connect(database_url)
    engine = Engine(db)
    old = await engine.enqueue(count=2)
    await engine.cancel(*old)
    await db.execute("update dibs.done set finished_at = now() - interval '30 days'")
    url, gate = grant("worker"), tmp_path / "gate"
    first = work(url)
    await eventually(lambda: db.fetchval("select count(*) = 0 from dibs.job"), what="old jobs are pruned")
    batch, _ = await engine.batch(
        *(job("fail_once") for _ in range(20)),
        *(job(name) for name in ("dead_letter", "transact", "unheard_of")),
        job("snooze_once", f'{{"mark": "{tmp_path / "mark"}"}}'),
    )
    gates = (gate, tmp_path / "never")
    held = await engine.enqueue(*(job("wait", f'{{"gate": "{path}"}}') for path in gates))
    await eventually(lambda: db.fetchval("select count(*) = 2 from dibs.lease where job_id = any($1)", held))
    second = work(url)
    first.send(signal.SIGKILL)
    errors = "select count(*) = 2 from dibs.attempt_error where job_id = any($1) and error_type = 'WorkerLost'"
    await eventually(lambda: db.fetchval(errors, held), what="it is rescued")
    gate.touch()
    await eventually(lambda: db.fetchval("select count(*) = 1 from dibs.done where job_id = $1", held[0]))
    await eventually(lambda: db.fetchval("select count(*) = 1 from dibs.lease where job_id = $1", held[1]))
    await engine.cancel(held[1])
    await eventually(lambda: db.fetchval("select count(*) = 1 from dibs.done where job_id = $1", held[1]))
    counted = "select succeeded = 22 and failed = 1 from dibs.batch where id = $1"
    await eventually(lambda: db.fetchval(counted, batch), what="the batch is counted and folded")
    await eventually(lambda: db.fetchval("select count(*) = 0 from dibs.cancel_request"), what="wishes are tidied up")
    second.send(signal.SIGTERM)
    assert second.wait() == 0
    assert DENIED not in first.output + second.output
    assert await db.fetchval("select count(*) from dibs.worker") == 0
    await assert_conserved(db)
    await db.close()


async def test_a_role_that_may_not_work_is_told_so_at_once(grant: Grant, work: Callable[..., Child]):
    worker = work(grant("producer"), wait=False)
    assert worker.wait() == 2
    assert f"{DENIED} for table worker; have the owner of the tables run `dibs grant worker`" in worker.output


async def test_a_task_that_enqueues_needs_a_producers_rights_too(
    database_url: str, grant: Grant, work: Callable[[str], Child]
):
    db = await asyncpg.connect(database_url)
    engine = Engine(db)
    worker = work(grant("worker"))
    [lonely] = await engine.enqueue(job("follow", attempts=1))
    await eventually(lambda: db.fetchval("select outcome = 'f' from dibs.done where job_id = $1", lonely))
    assert DENIED in await db.fetchval("select message from dibs.attempt_error where job_id = $1", lonely)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    work(grant("worker", "producer"))
    [follower] = await engine.enqueue(job("follow", attempts=1))
    await eventually(lambda: db.fetchval("select outcome = 's' from dibs.done where job_id = $1", follower))
    await eventually(lambda: db.fetchval("select count(*) = 3 from dibs.done"))
    await db.close()


async def test_two_producers_who_make_the_same_queue_meet(grant: Grant):
    async with Dibs(grant("producer")) as one, Dibs(grant("producer")) as other:
        async with one.connection() as mine:
            async with mine.transaction():
                await one.enqueue_many([new_job("new")], connection=mine)
            await other.enqueue_many([new_job("new")])
        assert len(await one.jobs(queue="new")) == 2
