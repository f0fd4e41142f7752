"""What an application does with jobs, through `Dibs`."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from dibs import (
    ArgumentsError,
    ConfigError,
    DatabaseUnavailableError,
    Dibs,
    JobState,
    NotRunningError,
    PayloadTooLargeError,
    SchemaError,
    current_job,
)
from dibs.client import client as clients
from dibs.client import gatherer
from dibs.client.gatherer import STATEMENTS_MAX
from dibs.storage.route import Route
from support.conservation import assert_conserved
from support.pooler import direct


@dataclass
class Page:
    number: int
    text: str


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(direct(database_url))
    yield connection
    await assert_conserved(connection)
    await connection.close()


@pytest.fixture
async def app(database_url: str, db: asyncpg.Connection) -> AsyncIterator[Dibs]:
    async with Dibs(database_url) as app:
        yield app


def task_of(app: Dibs):
    """A task that is enqueued and never run here."""

    @app.task(name="read", queue="pages")
    async def read(path: Path, pages: list[Page] | None = None, note: str = "") -> None: ...

    return read


async def test_an_enqueued_job_is_there_as_it_was_asked_for(app: Dibs) -> None:
    read = task_of(app)
    enqueued = await read.options(priority=7, tags=["a", "b"]).enqueue(Path("/x.pdf"), [Page(1, "é\x00")], note="hi")
    job = await app.job(enqueued.id)
    assert job is not None
    assert (job.task, job.queue, job.state, job.attempt, job.priority) == ("read", "pages", JobState.READY, 0, 7)
    assert job.args == {"path": "/x.pdf", "pages": [{"number": 1, "text": "é\x00"}], "note": "hi"}
    assert job.tags == ("a", "b")


async def test_a_delay_and_a_time_put_a_job_on_the_schedule(app: Dibs) -> None:
    read = task_of(app)
    at = datetime.now(UTC) + timedelta(hours=2)
    delayed = await read.options(delay=timedelta(hours=1)).enqueue("a")
    timed = await read.options(run_at=at).enqueue("b")
    past = await read.options(run_at=datetime(2001, 1, 1, tzinfo=UTC)).enqueue("c")
    states = {job.id: job for job in await app.jobs()}
    assert states[delayed.id].state is states[timed.id].state is JobState.SCHEDULED
    assert states[timed.id].run_at == at
    assert states[past.id].state is JobState.READY


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"path": 7}, "not .int.|not int"),
        ({}, "missing required field `path`"),
        ({"path": "x", "colour": "red"}, "unknown field `colour`"),
        ({"path": "x", "pages": [{"number": "one", "text": ""}]}, r"\$.pages\[0\].number"),
        ({"path": "x", "note": object()}, "object has no JSON form"),
        ({"path": "x", "note": "\ud800"}, "surrogates not allowed"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_before_anything_is_written(
    app: Dibs, db: asyncpg.Connection, args: dict, complaint: str
) -> None:
    with pytest.raises(ArgumentsError, match=complaint):
        await task_of(app).enqueue(**args)
    assert await db.fetchval("select count(*) from dibs.job") == 0


async def test_ten_megabytes_of_arguments_are_refused_with_advice(app: Dibs) -> None:
    with pytest.raises(PayloadTooLargeError, match=r"10,\d+,\d+ bytes .* store the data in a file"):
        await task_of(app).enqueue("x", note="y" * 10_300_000)


@pytest.mark.parametrize(
    "options",
    [
        {"queue": "no spaces"},
        {"queue": "nul\x00"},
        {"priority": 40_000},
        {"delay": 1, "run_at": datetime.now(UTC)},
        {"run_at": datetime(2030, 1, 1)},  # noqa: DTZ001 - without a time zone, on purpose
        {"timeout": 0},
        {"tags": ["bad\x1f"]},
    ],
)
async def test_options_that_can_not_work_are_refused(app: Dibs, options: dict) -> None:
    with pytest.raises(ConfigError):
        task_of(app).options(**options)


async def test_a_hundred_concurrent_enqueues_share_few_commits_and_lose_none(app: Dibs, db: asyncpg.Connection) -> None:
    read = task_of(app)
    await read.enqueue("first")
    before = await db.fetchval("select count(distinct xmin::text) from dibs.job")
    enqueued = await asyncio.gather(*(read.enqueue(f"{n}") for n in range(100)))
    stored = {row[0]: row[1] for row in await db.fetch("select id, args->>'path' from dibs.job")}
    assert [stored[job.id] for job in enqueued] == [f"{n}" for n in range(100)]
    commits = await db.fetchval("select count(distinct xmin::text) from dibs.job") - before
    assert commits <= STATEMENTS_MAX + 1


async def test_one_bad_job_among_gathered_ones_is_the_error_of_its_caller_alone(
    app: Dibs, db: asyncpg.Connection
) -> None:
    await db.execute("alter table dibs.job add constraint picky check (args->>'path' <> 'bad')")
    read = task_of(app)
    answers = await asyncio.gather(*(read.enqueue(p) for p in ["a", "b", "bad", "c", "d"]), return_exceptions=True)
    assert [isinstance(answer, asyncpg.CheckViolationError) for answer in answers] == [False, False, True, False, False]
    assert await db.fetchval("select count(*) from dibs.job") == 4


async def test_a_rolled_back_transaction_leaves_neither_jobs_nor_batch(app: Dibs, db: asyncpg.Connection) -> None:
    read = task_of(app)
    transaction = db.transaction()
    await transaction.start()
    await read.options(connection=db).enqueue("x")
    await app.enqueue_many([read.job("y")], connection=db)
    await app.batch("b", [read.job("z")], connection=db)
    await transaction.rollback()
    for table in ("job", "ready", "batch", "queue"):
        assert await db.fetchval(f"select count(*) from dibs.{table}") == 0


async def test_a_batch_is_all_or_nothing_and_not_empty(app: Dibs, db: asyncpg.Connection) -> None:
    read = task_of(app)
    with pytest.raises(ConfigError, match="at least one job"):
        await app.batch("empty", [])
    await db.execute("alter table dibs.job add constraint picky check (args->>'path' <> 'bad')")
    with pytest.raises(asyncpg.CheckViolationError):
        await app.batch("b", [read.job("good"), read.job("bad")])
    assert (
        await db.fetchval("select count(*) from dibs.job") + await db.fetchval("select count(*) from dibs.batch") == 0
    )


async def test_synchronous_code_enqueues_from_many_threads(app: Dibs, db: asyncpg.Connection) -> None:
    read = task_of(app)
    ids: list[int] = []
    threads = [threading.Thread(target=lambda n=n: ids.append(read.enqueue_sync(f"{n}").id)) for n in range(20)]
    await asyncio.to_thread(lambda: ([t.start() for t in threads], [t.join() for t in threads]))
    batch = await asyncio.to_thread(app.batch_sync, "sync", [read.job("z")])
    assert len(set(ids)) == 20
    assert await db.fetchval("select count(*) from dibs.job") == 21
    assert (await app.batch_progress(batch.id)).total == 1


async def test_watching_a_batch_tells_its_end_and_an_unknown_one_tells_nothing(
    app: Dibs, db: asyncpg.Connection
) -> None:
    read = task_of(app)
    batch = await app.batch("b", [read.job("x"), read.job("y")])
    seen = app.watch_batch(batch.id)
    assert (await anext(seen)).waiting == 2
    await app.cancel([batch.jobs[0].id])
    assert (await anext(seen)).cancelled == 1
    await app.cancel([batch.jobs[1].id])
    last = await anext(seen)
    assert (last.finished, last.is_finished) == (2, True)
    with pytest.raises(StopAsyncIteration):
        await anext(seen)
    assert [p async for p in app.watch_batch(10**9)] == []
    assert await db.fetchval("select count(*) from dibs.batch_watch") == 0


async def test_tables_that_are_missing_are_named_with_the_command_to_run(empty_database_url: str) -> None:
    app = Dibs(empty_database_url)
    read = task_of(app)
    with pytest.raises(SchemaError, match="dibs migrate"):
        await read.enqueue("x")
    await app.migrate()
    assert (await read.enqueue("x")).id == 1
    await app.close()


async def test_the_applications_own_pool_can_be_lent(database_url: str, db: asyncpg.Connection) -> None:
    async with (
        asyncpg.create_pool(Route.of(database_url).dsn, min_size=0, max_size=2, statement_cache_size=0) as pool,
        Dibs(database_url, pool=pool) as app,
    ):
        read = task_of(app)
        await asyncio.gather(*(read.enqueue(f"{n}") for n in range(50)))
        await app.enqueue_many([read.job(f"{n}") for n in range(12_000)])
        await app.close()
        assert await pool.fetchval("select count(*) from dibs.job") == 12_050


async def test_a_job_and_a_resource_are_there_only_while_a_worker_runs(app: Dibs) -> None:
    @app.resource
    async def model() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(NotRunningError):
        current_job()
    with pytest.raises(NotRunningError, match="model"):
        model.get()


async def test_another_schema_holds_another_queue(database_url: str, db: asyncpg.Connection) -> None:
    async with Dibs(database_url) as one:
        two = Dibs(database_url, schema='Jobs "2"')
        await two.migrate()
        await task_of(two).enqueue("x")
        await task_of(one).enqueue("y")
        assert len(await two.jobs()) == len(await one.jobs()) == 1
        await two.close()


@pytest.mark.parametrize("define", ["*args", "generator", "unresolved", "taken"])
async def test_functions_that_can_not_be_tasks_are_refused_when_they_are_defined(app: Dibs, define: str) -> None:
    def many(*paths: str) -> None: ...

    def generator():
        yield 1

    def unresolved(x: "Missing") -> None: ...  # noqa: F821 - that is the point

    def other(path: str) -> None: ...

    task_of(app)
    function = {"*args": many, "generator": generator, "unresolved": unresolved, "taken": other}[define]
    with pytest.raises(ConfigError):
        app.task(name="read" if define == "taken" else None)(function)


async def test_a_borrowed_connection_of_the_app_leaves_no_trace_in_the_pool(database_url: str) -> None:
    async with Dibs(database_url, pool_size=1) as app:
        async with app.connection() as connection:
            await connection.execute("set search_path to nowhere")
        async with app.connection() as connection:
            assert await connection.fetchval("show search_path") != "nowhere"


def test_one_app_serves_one_event_loop_after_another_and_synchronous_code_between(database_url: str) -> None:
    app = Dibs(database_url)
    read = task_of(app)

    async def enqueue_and_close() -> int:
        job = await read.enqueue("a")
        await app.close()
        return job.id

    ids = [asyncio.run(enqueue_and_close()), read.enqueue_sync("b").id, asyncio.run(enqueue_and_close())]
    assert ids == [1, 2, 3]
    asyncio.run(app.close())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_enqueues_on_connections_of_its_own(database_url: str) -> None:
    app = Dibs(database_url)
    read = task_of(app)
    first = read.enqueue_sync("parent").id
    answer, question = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(question, str(read.enqueue_sync("child").id).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert {first, int(os.read(answer, 20)), read.enqueue_sync("parent again").id} == {1, 2, 3}
    asyncio.run(app.close())
    os.close(answer)
    os.close(question)


@pytest.mark.parametrize(
    "definition",
    [{"permanent": ["ValueError"]}, {"permanent": [ValueError()]}, {"retry": 3}, {"priority": 1.5}, {"queue": 5}],
)
def test_a_policy_that_makes_no_sense_is_refused_when_the_task_is_defined(definition: dict) -> None:
    async def nothing() -> None: ...

    with pytest.raises(ConfigError):
        Dibs("postgresql://nowhere").task(**definition)(nothing)


async def test_what_is_no_job_no_id_no_state_is_refused_in_words(app: Dibs) -> None:
    read = task_of(app)
    with pytest.raises(TypeError, match="made by Task"):
        await app.enqueue_many([read.job("x"), None])
    with pytest.raises(TypeError, match="job ids"):
        await app.cancel("12")
    with pytest.raises(TypeError, match="job ids"):
        await app.job("7")
    with pytest.raises(ConfigError, match="state is one of scheduled"):
        await app.jobs(state="nonsense")
    for limit in (0, -1, 2_000_000):
        with pytest.raises(ConfigError, match="limit"):
            await app.jobs(limit=limit)
    for name in ("", "a\x00b", "x" * 300):
        with pytest.raises(ConfigError, match="name"):
            await app.batch(name, [read.job("x")])
    with pytest.raises(ConfigError, match="list of strings"):
        read.options(tags="urgent")
    assert await app.job(2**70) is None
    assert (await app.cancel([2**70])).ended == ()
    assert await app.jobs(state="ready") == []


async def test_a_lent_pool_needs_the_dsn_beside_it(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIBS_DATABASE_URL", raising=False)
    async with asyncpg.create_pool(Route.of(database_url).dsn, min_size=0, max_size=1, statement_cache_size=0) as pool:
        with pytest.raises(ConfigError, match="DSN of the same database"):
            Dibs(pool=pool)


async def test_a_new_queue_in_a_long_transaction_holds_up_only_those_who_use_it(
    app: Dibs, database_url: str, db: asyncpg.Connection
):
    @app.task(name="send")
    async def send() -> None: ...

    await send.enqueue()
    other = await asyncpg.connect(direct(database_url))
    transaction = other.transaction()
    await transaction.start()
    await send.options(queue="new", connection=other).enqueue()
    waiting = asyncio.ensure_future(send.options(queue="new").enqueue())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await asyncio.gather(*(send.enqueue() for _ in range(20)))
    assert not waiting.done()
    await transaction.commit()
    await waiting
    await other.close()
    assert await db.fetchval("select count(*) from dibs.ready") == 23


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(
    app: Dibs, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    @app.task(name="send")
    async def send() -> None: ...

    monkeypatch.setattr(clients, "CLOSE_SECONDS", 0.2)
    await send.enqueue()
    held_up = await asyncpg.connect(direct(app.database_url))
    async with held_up.transaction():
        await held_up.execute("lock table dibs.job in exclusive mode")
        hanging = asyncio.ensure_future(send.enqueue())
        while not await db.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
        async with asyncio.timeout(15):
            await app.close()
        with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError, ConnectionError)):
            await hanging
    await held_up.close()


async def test_who_was_not_sent_before_closing_is_told_that_nothing_was_enqueued(
    app: Dibs, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    @app.task(name="send")
    async def send() -> None: ...

    monkeypatch.setattr(clients, "CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(gatherer, "STATEMENTS_MAX", 1)
    before = await send.enqueue()
    held_up = await asyncpg.connect(direct(app.database_url))
    async with held_up.transaction():
        await held_up.execute("lock table dibs.job in exclusive mode")
        hanging = asyncio.ensure_future(send.enqueue())
        while not await db.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
        waiting = [asyncio.ensure_future(send.enqueue()) for _ in range(3)]
        await asyncio.sleep(0)
        await app.close()
        for each in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(each, DatabaseUnavailableError)
            assert "nothing was enqueued" in str(each)
        await asyncio.wait([hanging])
        assert hanging.exception()
        others = (
            "select count(*) from pg_stat_activity where datname = current_database() and application_name ~ '^dibs'"
        )
        assert not await db.fetchval(f"{others} and wait_event_type is distinct from 'Lock'"), "nothing opened it again"
    await held_up.close()
    # The one that hung had been sent: it may be there. Of those that waited, none is.
    assert before.id in (left := {job.id for job in await app.jobs()})
    assert len(left) <= 2
