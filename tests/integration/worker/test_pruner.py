"""Workers prune by themselves, one at a time, by what the tables say."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import asyncpg
import pytest

from dibs import Dibs, Retention
from dibs.engine import prune as pruning
from dibs.engine.enqueue import enqueue
from dibs.engine.prune import take_turn
from dibs.storage.link import Link
from dibs.worker import pruner as worker_pruner
from dibs.worker.pruner import PRUNE_SECONDS, Pruner
from support.engine import Engine, new_job
from support.waiting import eventually
from support.workers import StartWorker

MakePruner = Callable[..., Pruner]


async def long_gone(db: asyncpg.Connection, count: int = 1, age: str = "8 days", outcome: str = "s") -> list[int]:
    """Jobs that ended so long ago."""
    engine = Engine(db)
    ids = [job.id for job in await engine.run(enqueue([new_job()] * count))]
    await engine.cancel(*ids)
    await db.execute(f"update dibs.done set finished_at = now() - interval '{age}', outcome = '{outcome}' "
                     "where job_id = any($1)", ids)  # fmt: skip
    await db.execute(f"update dibs.job set enqueued_at = now() - interval '{age}' where id = any($1)", ids)
    return ids


async def left(db: asyncpg.Connection) -> list[int]:
    return [row[0] for row in await db.fetch("select id from dibs.job order by id")]


@pytest.fixture
async def make_pruner(database_url: str) -> AsyncIterator[MakePruner]:
    """Pruners of several workers."""
    links: list[Link] = []

    def make(worker_id: int, wish: Retention | None = None) -> Pruner:
        links.append(Link(database_url, "dibs", name="dibs worker"))
        made = Pruner(links[-1], lambda: Link(database_url, "dibs", name="dibs pruner"), wish)
        made.worker_id = worker_id
        return made

    yield make
    for link in links:
        await link.close()


async def test_a_worker_prunes_without_being_told_to(db: asyncpg.Connection, start_worker: StartWorker):
    await long_gone(db, 3)
    [dead] = await long_gone(db, outcome="f")
    [young] = await long_gone(db, age="6 days")
    worker = start_worker("--queues", "default:2")
    worker.wait_for(r"pruned 3 finished jobs and 0 batches")
    assert await left(db) == [dead, young]
    assert await db.fetchval("select count(*) from dibs.retention") == 0


async def test_what_the_app_asks_for_is_written_down(db: asyncpg.Connection, app: Dibs, make_pruner: MakePruner):
    asking = Dibs(app.database_url, retention=Retention(finished=3_600, dead_letters=None))
    [failed] = await long_gone(db, outcome="f", age="300 days")
    await long_gone(db, age="2 hours")
    assert await make_pruner(1, asking.workplace().retention).tick() == PRUNE_SECONDS
    assert await left(db) == [failed]
    assert await db.fetch("select finished_seconds, dead_letter_seconds from dibs.retention") == [(3_600, float("inf"))]


async def test_one_of_two_prunes_and_the_other_takes_over_when_it_is_gone(
    db: asyncpg.Connection, make_pruner: MakePruner
):
    one, other = make_pruner(1), make_pruner(2)
    await one.tick()
    await long_gone(db, 2)
    assert await other.tick() == PRUNE_SECONDS
    assert len(await left(db)) == 2
    await db.execute("update dibs.pruner set turn_until = now() - interval '1 second'")
    await other.tick()
    assert await left(db) == []


async def test_walks_begin_where_there_was_something_and_from_the_head_now_and_then(
    db: asyncpg.Connection, make_pruner: MakePruner, monkeypatch: pytest.MonkeyPatch
):
    pruner = make_pruner(1)
    [late] = await long_gone(db, age="1 hour")
    await long_gone(db, 3)
    await pruner.tick()
    assert await left(db) == [late]
    await db.execute("update dibs.done set finished_at = now() - interval '8 days'")
    await pruner.tick()
    assert await left(db) == [late], "it lies behind"
    monkeypatch.setattr(worker_pruner, "monotonic", lambda: float("inf"))
    await pruner.tick()
    assert await left(db) == []


async def test_a_walk_goes_on_over_all_pieces_and_stops_when_the_turn_is_lost(
    db: asyncpg.Connection, make_pruner: MakePruner, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pruning, "PRUNE_ROWS", 10)
    await long_gone(db, 55)
    await make_pruner(1).tick()
    assert await left(db) == []

    await long_gone(db, 1_000)
    going = asyncio.ensure_future(make_pruner(1).tick())
    engine = Engine(db)
    await eventually(lambda: engine.run(_is_under_way()), what="the first piece")
    await eventually(lambda: engine.run(take_turn(-1, 60, before_workers=True)), what="the turn")
    await going
    assert await left(db), "people took the turn, so the worker has stopped"


def _is_under_way():
    """Whether fewer jobs are left than there were."""
    [finished, _] = yield from pruning.prunable((yield from pruning.cutoffs()))
    return finished < 1_000


async def test_who_wants_jobs_to_be_kept_for_longer_is_heard_in_the_middle_of_a_walk(
    db: asyncpg.Connection, make_pruner: MakePruner, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pruning, "PRUNE_ROWS", 10)
    await long_gone(db, 1_000)
    going = asyncio.ensure_future(make_pruner(1).tick())
    engine = Engine(db)
    await eventually(lambda: engine.run(_is_under_way()), what="the first piece")
    assert not await engine.run(take_turn(2, 60, Retention(finished=timedelta(days=90))))
    await going
    assert await left(db)


async def test_the_connection_is_there_only_meanwhile(
    db: asyncpg.Connection, make_pruner: MakePruner, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "dibs.worker")
    await long_gone(db)
    await make_pruner(1).tick()
    sql = (
        "select count(*) from pg_stat_activity where application_name = 'dibs pruner' and datname = current_database()"
    )
    await eventually(lambda: _is_zero(db, sql), what="the pruner's connection is closed")
    assert "pruned 1 finished jobs and 0 batches" in caplog.text


async def _is_zero(db: asyncpg.Connection, sql: str) -> bool:
    return await db.fetchval(sql) == 0
