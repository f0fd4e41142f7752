"""What a caller or a task writes is bounded, whichever way it goes; and what others wrote breaks nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from dibs import ConfigError, Dibs, NewJob, PayloadTooLargeError, Retry
from dibs.domain.limits import ARGUMENT_BYTES_MAX, COPY_ROWS_MIN
from support.cli import Cli
from support.engine import Engine, new_job
from support.processes import DIBS, Child
from support.waiting import eventually
from support.workers import READY

APP = """
from dibs import Dibs, PermanentError, current_job

app = Dibs()
LONG = "x\\0\\ud800" * 1_000_000

@app.task()
async def shout() -> None:
    current_job().progress(10**30, -10**30, LONG)
    raise type(LONG[:5000].replace("\\0", "").replace("\\ud800", ""), (PermanentError,), {})(LONG)

@app.task()
async def ask_again() -> None:
    raise ValueError("no")

@app.task()
async def noop(value=None) -> None:
    pass
"""


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Dibs]:
    async with Dibs(database_url) as app:
        yield app


async def test_a_payload_is_bounded_on_every_path(app: Dibs):
    @app.task(name="take")
    async def take(text: str) -> None:
        """Never runs."""

    fits, large = "x" * (ARGUMENT_BYTES_MAX - len('{"text":""}')), "ä" * (ARGUMENT_BYTES_MAX // 2)
    await take.enqueue(fits)
    with pytest.raises(PayloadTooLargeError, match="at most 1,048,576 are allowed"):
        await take.enqueue(large)
    with pytest.raises(PayloadTooLargeError):
        await asyncio.to_thread(take.enqueue_sync, large)
    by_hand = NewJob(task="take", args_json=json.dumps({"text": "x" * ARGUMENT_BYTES_MAX}), queue="default")
    for jobs in ([by_hand], [new_job()] * COPY_ROWS_MIN + [by_hand]):
        for write in (app.enqueue_many, lambda jobs: app.batch("x", jobs)):
            with pytest.raises(PayloadTooLargeError, match="take: the arguments take more than"):
                await write(jobs)
        with pytest.raises(PayloadTooLargeError):
            await asyncio.to_thread(app.enqueue_many_sync, jobs)
        with pytest.raises(PayloadTooLargeError):
            await asyncio.to_thread(app.batch_sync, "x", jobs)
    assert len(await app.jobs()) == 1


def test_a_policy_is_bounded():
    with pytest.raises(ConfigError, match="at most 1000 delays, got 1001"):
        Retry(attempts=2, delays=[1] * 1001)


@pytest.fixture
def work(database_url: str, run_child: Callable[..., Child], tmp_path: Path) -> Child:
    """A worker."""
    (tmp_path / "crew.py").write_text(APP)
    worker = run_child([DIBS, "worker", "crew:app"], env={"DIBS_DATABASE_URL": database_url}, cwd=tmp_path)
    worker.wait_for(READY)
    return worker


async def test_what_a_task_says_is_cut(database_url: str, work: Child):
    db = await asyncpg.connect(database_url)
    await Engine(db).enqueue(new_job(task="crew.shout"))
    await eventually(lambda: db.fetchval("select count(*) = 1 from dibs.done"))
    row = await db.fetchrow("select length(error_type), length(message), length(traceback) from dibs.attempt_error")
    assert row[0] <= 200
    assert row[1] <= 4_000
    assert row[2] <= 20_000
    await eventually(lambda: db.fetchval("select length(message) <= 1000 from dibs.progress"))
    await db.close()


HOSTILE_ARGS = ['{"value": 1e999}', "[" * 3000 + "]" * 3000, '{"value": "\\ud800"}', "null", '{"value": 1, "value": 2}',
                '{"value": %s}' % ("9" * 5000), '{"value": "\\u0000"}']  # fmt: skip
HOSTILE_POLICIES = [
    {"attempts": 9, "delays": [1e308], "backoff": 1.0, "maximum": 1.0, "jitter": 1.0},
    {"attempts": 9, "delays": [-1e308], "backoff": 1.0, "maximum": 1.0, "jitter": 1.0},
    {"attempts": 9, "delays": [], "backoff": 1e308, "maximum": 1e308, "jitter": 1e308},
    {"attempts": "x"}, [], None, {"delays": {}},
]  # fmt: skip


async def test_rows_of_others_harm_only_themselves(database_url: str, work: Child):
    db = await asyncpg.connect(database_url)
    engine = Engine(db)
    ids = await engine.enqueue(*(new_job(task="crew.noop", args_json=args) for args in HOSTILE_ARGS))
    for policy in HOSTILE_POLICIES:
        [id_] = await engine.enqueue(new_job(task="crew.ask_again", max_attempts=2, delay_seconds=0.5))
        await db.execute("update dibs.job set retry = $2 where id = $1", id_, json.dumps(policy))
        ids.append(id_)
    for limit in ("NaN", "Infinity", "1e300", "1e-300"):
        [id_] = await engine.enqueue(new_job(task="crew.noop", delay_seconds=0.5))
        await db.execute(f"update dibs.job set timeout_seconds = '{limit}' where id = $1", id_)
        ids.append(id_)
    await eventually(
        lambda: db.fetchval(
            "select count(*) = $1 from (select job_id from dibs.done union all "
            "select job_id from dibs.scheduled where reason <> 'delay') j",
            len(ids),
        )
    )
    [last] = await engine.enqueue(new_job(task="crew.noop"))
    await eventually(lambda: db.fetchval("select outcome = 's' from dibs.done where job_id = $1", last))
    assert work.is_alive
    await db.close()
    cli = Cli(database_url)
    listed = await asyncio.to_thread(cli, "jobs", "list", "--json")
    assert len(listed.stdout.splitlines()) == len(ids) + 1
    for id_ in ids:
        await asyncio.to_thread(cli, "jobs", "show", str(id_))
