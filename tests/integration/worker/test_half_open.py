"""Connections that are half-open: what is sent on them is swallowed, and neither side is told.

As behind a firewall that has forgotten them, or after a server's machine has lost its power. Only a limit of one's own
ends the wait for an answer; here those limits are shortened.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from chaos.proxy import Proxy
from dibs import Dibs, JobState
from dibs.client import client, lane
from dibs.domain.limits import COPY_ROWS_MIN, ENQUEUE_ROWS_MAX
from support import scripted
from support.conservation import assert_conserved
from support.health import health
from support.jobs import all_done, effects, in_state
from support.ports import free_port
from support.postgres import PrivateServer
from support.processes import Child
from support.waiting import eventually
from support.workers import READY, StartWorker

SHORT: Final = """
from dibs.storage import connect
from dibs.storage.link import Link
from dibs.worker import resources, transaction
connect.CONNECT_SECONDS = 1.0
Link.run.__kwdefaults__["seconds"] = 2.0
resources.CLOSE_SECONDS = transaction.ANSWER_SECONDS = 2.0
"""
"""A worker's limits to connect, for a statement, and to close what tasks use.

That of a heartbeat is a third of the worker's time-out.
"""

IS_OPEN: Final = "select exists (select from pg_stat_activity where state = 'idle in transaction')"

Serve = Callable[..., Awaitable[Child]]

UNKNOWN: Final = "the database did not answer within 1 s; whether what was sent took effect is not known"

ENDINGS: Final = "select job_id, attempt, outcome::text from dibs.done order by job_id"


@pytest.fixture
async def direct(private_server: PrivateServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dibs]:
    """The scripted app, on a way to the server that always lets pass."""
    monkeypatch.setenv("DIBS_DATABASE_URL", private_server.url)
    await scripted.app.migrate()
    yield scripted.app
    await scripted.app.close()


@pytest.fixture
async def db(private_server: PrivateServer, direct: Dibs) -> AsyncIterator[asyncpg.Connection]:
    """A connection to look with. After each test, every job is in exactly one place."""
    connection = await asyncpg.connect(private_server.url)
    await connection.execute("create table effect (job_id bigint, attempt int, pid int, what text)")
    yield connection
    await assert_conserved(connection)
    await connection.close()


@pytest.fixture
async def proxy(private_server: PrivateServer, short_folder: Path) -> AsyncIterator[Proxy]:
    """The way to the server that can become half-open."""
    async with Proxy(Path(private_server.url.partition("host=")[2]), short_folder / "proxy") as proxy:
        yield proxy


@pytest.fixture
def serve(start_worker: StartWorker, proxy: Proxy) -> Serve:
    """Start a worker behind the proxy, and wait until it serves."""

    async def start(*options: str) -> Child:
        worker = start_worker("--timeout=4", *options, url=proxy.dsn, change=SHORT, wait=False)
        await says(worker, READY)
        return worker

    return start


async def says(worker: Child, pattern: str) -> None:
    """Wait until the worker says so; meanwhile the proxy, which is in this loop, goes on."""
    await asyncio.to_thread(worker.wait_for, pattern)


async def answers(port: int, status: int) -> str:
    """What the worker says of its health once that is its status."""

    async def ask() -> str:
        found, said = await asyncio.to_thread(health, port)
        return said if found == status else ""

    return await eventually(ask, what=f"health {status}")


async def test_a_worker_cut_off_in_silence_says_so_and_goes_on_when_new_connections_pass(
    direct: Dibs, db: asyncpg.Connection, proxy: Proxy, serve: Serve, gate: Path
) -> None:
    port = free_port()
    worker = await serve("--queues=default:2", f"--health={port}")
    await answers(port, 200)
    begun = await scripted.pass_gate_in_thread.enqueue(gate=str(gate))
    await in_state(direct, begun.id, JobState.RUNNING)
    proxy.cut()
    gate.touch()  # it ends, and its ending is swallowed
    later = await direct.enqueue_many([scripted.noop.job(number) for number in range(20)])
    assert "no heartbeat got through for" in await answers(port, 503)
    await says(worker, "a heartbeat did not get through: TimeoutError")
    await says(worker, r"a round trip failed \(TimeoutError")
    await says(worker, r"no connection to Postgres \(TimeoutError")
    assert await db.fetch(ENDINGS) == []
    proxy.strand()
    await says(worker, "connected to Postgres")
    await answers(port, 200)
    await all_done(db, 21)
    assert [tuple(row) for row in await db.fetch(ENDINGS)] == [(job.id, 1, "s") for job in [begun, *later]]
    assert worker.is_alive


async def test_a_worker_whose_old_connections_went_silent_opens_new_ones(
    direct: Dibs, db: asyncpg.Connection, proxy: Proxy, serve: Serve
) -> None:
    worker = await serve("--queues=default:2")
    first = await scripted.noop.enqueue(0)
    await in_state(direct, first.id, JobState.SUCCEEDED)
    proxy.strand()
    second = await scripted.noop.enqueue(1)
    assert (await in_state(direct, second.id, JobState.SUCCEEDED)).attempt == 1
    await says(worker, "a heartbeat did not get through: TimeoutError")
    assert worker.is_alive
    assert "was given up by others" not in worker.output


async def test_a_worker_whose_heartbeats_found_the_way_again_does_not_wait_for_an_old_answer(
    direct: Dibs, db: asyncpg.Connection, proxy: Proxy, start_worker: StartWorker
) -> None:
    """Its statements have their usual limit of a minute here, which is longer than this test may take."""
    worker = start_worker("--queues=default:2", "--timeout=4", url=proxy.dsn, wait=False)
    await says(worker, READY)
    first = await scripted.noop.enqueue(0)
    await in_state(direct, first.id, JobState.SUCCEEDED)
    proxy.strand()
    second = await scripted.noop.enqueue(1)
    assert (await in_state(direct, second.id, JobState.SUCCEEDED)).attempt == 1
    assert worker.is_alive


@pytest.fixture
async def producer(proxy: Proxy, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dibs]:
    """An app behind the proxy, with short limits."""
    monkeypatch.setattr(lane, "STATEMENT_SECONDS", 1.0)
    monkeypatch.setattr(client, "STATEMENT_SECONDS", 1.0)
    monkeypatch.setattr(client, "CLOSE_SECONDS", 0.5)
    yield (app := Dibs(proxy.dsn))
    await app.close()


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
async def test_an_enqueue_that_was_swallowed_raises_within_its_limit_and_the_next_one_passes(
    producer: Dibs, db: asyncpg.Connection, proxy: Proxy, *, is_async: bool
) -> None:
    @producer.task(name="greet")
    async def greet() -> None:
        """Never runs."""

    async def enqueue() -> None:
        async with asyncio.timeout(5.0):
            await (greet.enqueue() if is_async else asyncio.to_thread(greet.enqueue_sync))

    await enqueue()
    proxy.strand()
    with pytest.raises(TimeoutError, match=UNKNOWN):
        await enqueue()
    await enqueue()
    assert await db.fetchval("select count(*) from dibs.ready") == 2


@pytest.mark.parametrize("count", [ENQUEUE_ROWS_MAX + 1, COPY_ROWS_MIN])
async def test_what_goes_through_the_pool_has_that_limit_too(
    producer: Dibs, db: asyncpg.Connection, proxy: Proxy, count: int
) -> None:
    @producer.task(name="greet")
    async def greet() -> None:
        """Never runs."""

    jobs = [greet.job() for _ in range(count)]
    first, *_ = await producer.enqueue_many(jobs)
    proxy.strand()
    async with asyncio.timeout(5.0):
        with pytest.raises(TimeoutError, match=UNKNOWN):
            await producer.enqueue_many(jobs)
    assert (await producer.job(first.id)).state is JobState.READY
    proxy.strand()
    async with asyncio.timeout(5.0):
        with pytest.raises(TimeoutError, match=UNKNOWN):
            await producer.job(first.id)
    assert (await producer.job(first.id)).state is JobState.READY
    assert await db.fetchval("select count(*) from dibs.ready") == count


async def test_a_transaction_that_is_swallowed_does_not_hold_up_other_jobs(
    direct: Dibs, db: asyncpg.Connection, proxy: Proxy, serve: Serve, gate: Path
) -> None:
    worker = await serve("--queues=default:2")
    held = await scripted.transact.enqueue(gate=str(gate))
    await eventually(lambda: db.fetchval(IS_OPEN), what="the job's transaction is open")
    proxy.strand()
    gate.touch()
    others = await direct.enqueue_many([scripted.noop.job(number) for number in range(20)])
    await all_done(db, 20)
    assert [tuple(row) for row in await db.fetch(ENDINGS)] == [(job.id, 1, "s") for job in others]
    assert await effects(db, held.id) == []
    assert worker.is_alive


async def test_a_transaction_that_is_swallowed_ends_and_its_job_comes_again(
    direct: Dibs, db: asyncpg.Connection, proxy: Proxy, serve: Serve, gate: Path
) -> None:
    worker = await serve("--queues=default:1")
    job = await scripted.transact.options(timeout=2).enqueue(gate=str(gate))
    await eventually(lambda: db.fetchval(IS_OPEN), what="the job's transaction is open")
    proxy.strand()
    gate.touch()
    assert (await in_state(direct, job.id, JobState.SUCCEEDED)).attempt == 2
    assert await effects(db, job.id) == ["transacted"]
    assert worker.is_alive


async def test_a_transaction_that_is_swallowed_does_not_hold_up_the_stop_of_its_worker(
    direct: Dibs, db: asyncpg.Connection, proxy: Proxy, serve: Serve, start_worker: StartWorker, gate: Path
) -> None:
    worker = await serve("--queues=default:2", "--shutdown=1")
    held = await scripted.transact.enqueue(gate=str(gate))
    await eventually(lambda: db.fetchval(IS_OPEN), what="the job's transaction is open")
    proxy.strand()
    gate.touch()
    other = await scripted.noop.enqueue(1)
    assert (await in_state(direct, other.id, JobState.SUCCEEDED)).attempt == 1
    worker.send(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait) == 0
    start_worker("--timeout=4", wait=False, url=direct.database_url)
    await in_state(direct, held.id, JobState.SUCCEEDED)
    assert await effects(db, held.id) == ["transacted"]


@pytest.mark.parametrize("task", [scripted.transact, scripted.transact_in_thread], ids=["async", "sync"])
async def test_a_job_whose_commit_took_effect_has_succeeded_although_its_answer_was_lost(
    direct: Dibs, db: asyncpg.Connection, proxy: Proxy, serve: Serve, gate: Path, task: Any
) -> None:
    """The task sees an error. Its attempt has failed as far as the worker knows, and that ending is refused."""
    worker = await serve("--queues=default:1")
    job = await task.enqueue(gate=str(gate))
    await eventually(lambda: db.fetchval(IS_OPEN), what="the job's transaction is open")
    proxy.break_at_answer_to(b"COMMIT")
    gate.touch()
    await says(worker, rf"the endings of jobs {job.id} were refused")
    assert [tuple(row) for row in await db.fetch(ENDINGS)] == [(job.id, 1, "s")]
    assert await effects(db, job.id) == ["transacted"]
    assert worker.is_alive
