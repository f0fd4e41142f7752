"""How often a worker and an application talk to the server: what is gathered must stay gathered."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from dibs import Dibs
from support import scripted
from support.engine import Ear
from support.jobs import all_done
from support.processes import DIBS, Child
from support.waiting import eventually
from support.wire import Wire, tapped
from support.workers import READY, StartWorker

JOBS = 5_000
PER_JOB_MAX = 0.05
HEARTBEATS = 10
BESIDE_HEARTBEATS_MAX = 3
"""Statements of an idle worker in ten seconds: the ticks that come every 15 seconds or less often."""


@pytest.fixture
async def wire(database_url: str, short_folder: Path) -> AsyncIterator[Wire]:
    """Between the server and everything that these tests start."""
    async with tapped(database_url, short_folder) as wire:
        yield wire


@pytest.fixture
async def app(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dibs]:
    """The scripted app."""
    monkeypatch.setenv("DIBS_DATABASE_URL", wire.url)
    yield scripted.app
    await scripted.app.close()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to look with, past the wire."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def start_worker(run_child: Callable[..., Child], wire: Wire) -> StartWorker:
    """Start a worker process, perhaps one with some of its code spoilt."""

    def start(*options: str, spoil: str = "") -> Child:
        code = f"{spoil}\nfrom dibs.cli import main\nmain()"
        command = [sys.executable, "-c", code] if spoil else [DIBS]
        env = {"DIBS_DATABASE_URL": wire.url, "PYTHONPATH": str(Path(__file__).parents[2])}
        return run_child([*command, "worker", "support.scripted:app", *options], env=env)

    return start


async def drained(app: Dibs, db: asyncpg.Connection, wire: Wire, worker: Callable[[], Child]) -> float:
    """Round trips for each job, from the start of a worker process to its end."""
    await app.enqueue_many([scripted.noop.job(number) for number in range(JOBS)])
    before = wire.round_trips
    child = worker()
    await all_done(db, JOBS)
    child.send(signal.SIGTERM)
    assert await asyncio.to_thread(child.wait) == 0
    return (wire.round_trips - before) / JOBS


async def test_a_drain_takes_few_round_trips(app: Dibs, db: asyncpg.Connection, wire: Wire, start_worker: StartWorker):
    assert await drained(app, db, wire, start_worker) < PER_JOB_MAX


async def test_a_worker_that_claims_for_its_slots_alone_is_found_out(
    app: Dibs, db: asyncpg.Connection, wire: Wire, start_worker: StartWorker
):
    spoil = "import dibs.worker.line; dibs.worker.line.AHEAD_MAX = 0"
    assert await drained(app, db, wire, lambda: start_worker(spoil=spoil)) > PER_JOB_MAX


async def beside_heartbeats(wire: Wire, heartbeats: int) -> list[str]:
    """What else an idle worker sends during so many heartbeats."""
    first = wire.statements["workers/heartbeat"] + 1
    await wire.until("workers/heartbeat", first)
    begin = len(wire.sequence)
    await wire.until("workers/heartbeat", first + heartbeats)
    return [name for name in wire.sequence[begin:] if name != "workers/heartbeat"]


async def test_an_idle_worker_sends_little_but_heartbeats(wire: Wire, start_worker: StartWorker):
    start_worker()
    await wire.until("workers/set_asleep", 1)
    await wire.until("workers/heartbeat", 4)  # its polls have grown rare by then, and ended
    await wire.until("jobs/prune", 2)  # the next time is in five minutes
    others = await beside_heartbeats(wire, HEARTBEATS)
    assert len(others) <= BESIDE_HEARTBEATS_MAX, others


async def test_a_worker_that_never_sleeps_is_found_out(wire: Wire, start_worker: StartWorker):
    start_worker(spoil="import dibs.worker.pace; dibs.worker.pace.AWAKE_POLLS = 10**9")
    assert len(await beside_heartbeats(wire, 1)) > BESIDE_HEARTBEATS_MAX


async def test_concurrent_enqueues_are_gathered(app: Dibs, wire: Wire):
    await scripted.noop.enqueue(0)
    before = enqueues(wire)
    await asyncio.gather(*(scripted.noop.enqueue(number) for number in range(10)))
    assert enqueues(wire) - before <= 3


def enqueues(wire: Wire) -> int:
    """Statements that enqueued, one job or many."""
    return wire.statements["jobs/enqueue"] + wire.statements["jobs/enqueue_one"]


async def test_enqueues_that_wait_for_one_another_can_not_be_gathered(app: Dibs, wire: Wire):
    await scripted.noop.enqueue(0)
    before = enqueues(wire)
    for number in range(10):
        await scripted.noop.enqueue(number)
    assert enqueues(wire) - before == 10


async def test_nothing_is_notified_while_no_worker_sleeps(
    app: Dibs, db: asyncpg.Connection, database_url: str, start_worker: StartWorker, tmp_path: Path
):
    listener = await asyncpg.connect(database_url)
    ear = await Ear.listen(listener, db)
    gate = tmp_path / "gate"
    await asyncio.to_thread(start_worker("--queues=default:2").wait_for, READY)
    await app.enqueue_many([scripted.pass_gate.job(gate=str(gate)) for _ in range(2)])
    await eventually(
        lambda: db.fetchval("select not bool_or(asleep) and (select count(*) = 2 from dibs.lease) from dibs.worker")
    )
    await ear.heard("wake")
    await asyncio.gather(*(scripted.noop.enqueue(number) for number in range(200)))
    for number in range(20):
        await scripted.noop.enqueue(number)
    assert await ear.heard("wake") == []
    gate.touch()
    await all_done(db, 222)
    await eventually(lambda: db.fetchval("select bool_and(asleep) from dibs.worker"))
    await ear.heard("wake")
    await scripted.noop.enqueue(0)
    assert len(await ear.heard("wake")) == 1
    await listener.close()
