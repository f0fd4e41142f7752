"""Through a pooler that lends connections for a transaction at a time, dibs does all it does, a little later."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import pytest

from dibs import ConfigError, Dibs, JobState
from dibs.domain.limits import COPY_ROWS_MIN, ENQUEUE_ROWS_MAX
from dibs.engine.enqueue import enqueue
from dibs.engine.liveness import ensure_queues
from dibs.storage.connect import WORKER_SETTINGS, connect, open_session
from dibs.storage.route import Route
from dibs.storage.statement import Statement
from support import pooled
from support.cli import Cli
from support.engine import new_job
from support.jobs import all_done, in_state
from support.pooler import direct
from support.waiting import eventually
from support.workers import StartWorker

EFFECTS = "select job_id, attempt from effect order by job_id"
LOCKS = """select count(*) from pg_locks
    where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"""
REGISTERED = "select id, locked, asleep from dibs.worker"
SETTINGS = "select name, setting from pg_settings where name <> 'application_name' order by name"
LEFT = {
    "prepared statements": "select count(*) from pg_prepared_statements",
    "channels": "select count(*) from pg_listening_channels()",
    "locks": "select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'",
}


async def test_every_way_to_enqueue_and_every_kind_of_task(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    start_worker()
    jobs = [await pooled.count.enqueue(1), await asyncio.to_thread(pooled.count.enqueue_sync, 2)]
    jobs += await asyncio.gather(*(pooled.transact.enqueue(number) for number in range(30)))
    jobs += await app.enqueue_many([pooled.transact_in_thread.job(number) for number in range(5)])
    async with app.connection() as connection, connection.transaction():
        jobs.append(await pooled.count.options(connection=connection).enqueue(3))
    await all_done(db, len(jobs))
    assert [tuple(row) for row in await db.fetch(EFFECTS)] == [(job.id, 1) for job in sorted(jobs, key=lambda j: j.id)]
    assert (await app.job(jobs[0].id)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("count", [ENQUEUE_ROWS_MAX + 1, COPY_ROWS_MIN])
async def test_bulk(app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, count: int) -> None:
    await app.enqueue_many([pooled.wait.job(gate="/") for _ in range(count)])
    start_worker("--queues=default:50")
    await all_done(db, count)


async def test_no_lock_is_held_and_no_notification_waited_for(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    worker = start_worker()
    worker.wait_for("behind a pooler")
    job = await pooled.wait.enqueue(gate=str(gate))
    await in_state(app, job.id, JobState.RUNNING)
    assert [(row["locked"], row["asleep"]) for row in await db.fetch(REGISTERED)] == [(False, False)]
    assert await db.fetchval(LOCKS) == 0
    gate.touch()
    await in_state(app, job.id, JobState.SUCCEEDED)


async def test_an_idle_worker_finds_what_comes_by_itself(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    start_worker()
    for number in range(3):
        job = await pooled.count.enqueue(number)
        await in_state(app, job.id, JobState.SUCCEEDED, within=5)
    later = await pooled.count.options(delay=0.3).enqueue(9)
    await in_state(app, later.id, JobState.SUCCEEDED, within=5)


async def test_the_jobs_of_a_worker_that_is_gone_are_rescued_after_its_time_out(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    victim = start_worker("--timeout=8")
    job = await pooled.wait.enqueue(gate=str(gate))
    await in_state(app, job.id, JobState.RUNNING)
    start_worker("--timeout=8")
    victim.send(signal.SIGKILL)
    await silent_for(db, 5)
    assert (await app.job(job.id)).attempt == 1, "a lock that is free says nothing here"
    gate.touch()
    assert (await in_state(app, job.id, JobState.SUCCEEDED, within=30)).attempt == 2


async def test_a_worker_that_is_late_is_not_judged_before_its_time_out(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    late = start_worker()
    job = await pooled.wait.enqueue(gate=str(gate))
    await in_state(app, job.id, JobState.RUNNING)
    start_worker("--queues=other")
    late.send(signal.SIGSTOP)
    await silent_for(db, 6)  # others begin to ask after 2.5 s
    late.send(signal.SIGCONT)
    gate.touch()
    assert (await in_state(app, job.id, JobState.SUCCEEDED)).attempt == 1
    assert "given up" not in late.output


async def silent_for(db: asyncpg.Connection, seconds: int) -> None:
    """Wait until a worker has not been heard of for so long."""
    late = f"select min(heartbeat_at) < dibs.clock() - interval '{seconds} seconds' from dibs.worker"
    await eventually(lambda: db.fetchval(late), what=f"a worker is silent for {seconds} s")


async def test_a_running_job_can_be_cancelled_and_a_batch_watched(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    start_worker()
    batch = await app.batch("two", [pooled.wait.job(gate=str(gate)), pooled.count.job(1)])
    [job, *_] = [one for one in await app.jobs() if one.task.endswith("wait")]
    await in_state(app, job.id, JobState.RUNNING)
    await app.cancel([job.id])
    async for progress in app.watch_batch(batch.id):
        last = progress
    assert (last.succeeded, last.cancelled) == (1, 1)


async def test_the_command_line(app: Dibs, db: asyncpg.Connection, pooled_url: str, start_worker: StartWorker) -> None:
    start_worker()
    job = await pooled.count.enqueue(1)
    await in_state(app, job.id, JobState.SUCCEEDED)
    command_line = Cli(pooled_url)
    for command in (["migrate"], ["status"], ["jobs", "list"], ["prune", "--older-than=0s", "--yes"]):
        await asyncio.to_thread(command_line, *command)
    assert await db.fetchval("select count(*) from dibs.done") == 0


async def test_who_did_not_say_that_there_is_a_pooler_is_told_how(database_url: str) -> None:
    """On a plain server, whose prepared statements go as they do when the server's end becomes another one."""
    own = await connect(direct(database_url), name="dibs test")
    session = open_session(Route(direct(database_url)), own, "dibs")
    await session.run(ensure_queues(["default"]))
    await own.execute("deallocate all")
    with pytest.raises(asyncpg.InvalidSQLStatementNameError, match="need pgbouncer=true in the DSN"):
        await session.run(ensure_queues(["default"]))
    await own.close()


async def test_what_can_not_be_meant_is_said(database_url: str) -> None:
    app = Dibs(f"{direct(database_url)}{'&' if '?' in database_url else '?'}pgbouncer=maybe")
    with pytest.raises(ConfigError, match="expected pgbouncer=true or pgbouncer=false in the DSN"):
        await app.open()


async def test_settings_go_with_each_statement(pooled_url: str, db: asyncpg.Connection) -> None:
    connection = await connect(pooled_url, name="dibs test", settings=WORKER_SETTINGS)
    session = open_session(Route.of(pooled_url), connection, "dibs", settings=WORKER_SETTINGS)

    def ask(what: str):
        return (yield Statement("test", f"select current_setting('{what}')")())

    for name, meant in (("enable_seqscan", "off"), ("statement_timeout", "1min")):
        assert [row[0] for row in await session.run(ask(name))] == [meant]
    assert await connection.fetchval("select current_setting('enable_seqscan')") == "on"
    with pytest.raises(asyncpg.PostgresError):
        await session.execute(Statement("test", "select 1 / 0")())
    assert [row[0] for row in await session.run(ask("enable_seqscan"))] == ["off"]
    await connection.close()


async def test_the_session_is_left_as_it_was(database_url: str) -> None:
    """On a plain server, since only there the session is one and the same before and after."""
    route = Route(direct(database_url), is_pooled=True)
    own = await connect_as(route)
    before = await own.fetch(SETTINGS)
    session = open_session(route, own, "dibs", settings=WORKER_SETTINGS)
    await session.run(ensure_queues(["default"]))
    await session.run(enqueue([new_job(), new_job()]))  # with arrays, whose types asyncpg asks the server for
    assert await own.fetch(SETTINGS) == before
    for what, count in LEFT.items():
        assert await own.fetchval(count) == 0, what
    await own.close()


async def test_a_step_that_is_cancelled_gives_its_connection_up(database_url: str) -> None:
    route = Route(direct(database_url), is_pooled=True)
    own = await connect_as(route)
    session = open_session(route, own, "dibs", settings=WORKER_SETTINGS)
    going = asyncio.ensure_future(session.execute(Statement("test", "select pg_sleep(60)")()))
    while not own.is_in_transaction():
        await asyncio.sleep(0)
    going.cancel()
    await asyncio.wait({going})
    assert own.is_closed(), "what comes next would join a transaction that nobody commits"


async def connect_as(route: Route) -> asyncpg.Connection:
    """A connection as the drivers make it behind a pooler."""
    return await asyncpg.connect(route.dsn, **route.on_asyncpg("dibs test", {}))
