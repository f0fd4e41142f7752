"""A job's transaction, on every kind of connection: its writes and its ending take effect together, or not at all."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext

import asyncpg
import pytest

from dibs.domain.errors import ConfigError, LeaseLostError
from dibs.domain.job import ClaimedJob, NewJob
from dibs.engine.claim import claim
from dibs.engine.enqueue import enqueue
from dibs.engine.liveness import Registration, ensure_queues, register
from dibs.storage.sessions.on_asyncpg import OnAsyncpg
from dibs.worker.transaction import JobTransaction, Lender
from support.callers import Caller, PsycopgSyncCaller, SqlAlchemySyncCaller, async_engine, engine

SYNC = (PsycopgSyncCaller, SqlAlchemySyncCaller)
WRITE = "insert into effect values (1) returning n"
STATE = """
select (select count(*) from effect), (select count(*) from dibs.done where outcome = 's'),
       (select count(*) from dibs.lease)
"""

Transact = Callable[[], JobTransaction]


@pytest.fixture
async def job(observer: asyncpg.Connection) -> ClaimedJob:
    """A job that a worker holds, and a table for effects."""
    await observer.execute("create table effect (n int)")
    session = OnAsyncpg(observer, "dibs")
    await session.run(enqueue([NewJob(task="app:task", args_json="{}", queue="q")]))
    queues = await session.run(ensure_queues(["q"]))
    worker_id = await session.run(
        register(
            Registration(
                hostname="here", pid=1, version="0", queue_ids=list(queues.values()), slots=1, timeout_seconds=30.0
            )
        )
    )
    [claimed] = await session.run(claim(worker_id, {queues["q"]: 1}))
    return claimed


@pytest.fixture
def over() -> list[bool]:
    """Filled when the job is told to be over."""
    return []


@pytest.fixture
async def transact(caller: Caller, job: ClaimedJob, over: list[bool]) -> Transact:
    """Begin the job's transaction on the caller's connection, which has none open."""
    await caller.rollback()
    lender = Lender(dsn="", schema="dibs", pooled=nullcontext)
    return lambda: JobTransaction(job, lender, caller.connection, lambda: over.append(True))


@asynccontextmanager
async def entered(caller: Caller, transaction: JobTransaction) -> AsyncIterator[None]:
    """Enter as code of the caller's kind does."""
    if isinstance(caller, SYNC):
        with transaction as connection:
            assert connection is caller.connection
            yield
    else:
        async with transaction as connection:
            assert connection is caller.connection
            yield


async def state(observer: asyncpg.Connection) -> tuple[int, int, int]:
    """How many effects, successes and leases there are."""
    return tuple(await observer.fetchrow(STATE))


async def test_effect_and_ending_commit_together(
    caller: Caller, transact: Transact, observer: asyncpg.Connection, over: list[bool]
) -> None:
    async with entered(caller, transact()):
        await caller.sql(WRITE)
        assert await state(observer) == (0, 0, 1)
        assert over == []
    assert await state(observer) == (1, 1, 0)
    assert over == [True]


async def test_an_error_takes_both_back(
    caller: Caller, transact: Transact, observer: asyncpg.Connection, over: list[bool]
) -> None:
    async def change_ones_mind() -> None:
        async with entered(caller, transact()):
            await caller.sql(WRITE)
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await change_ones_mind()
    assert await state(observer) == (0, 0, 1)
    assert over == []


async def test_a_job_that_others_took_back_leaves_no_effect(
    caller: Caller, transact: Transact, observer: asyncpg.Connection, over: list[bool]
) -> None:
    async def be_too_late() -> None:
        async with entered(caller, transact()):
            await caller.sql(WRITE)
            await observer.execute("update dibs.lease set token = nextval('dibs.lease_token')")

    with pytest.raises(LeaseLostError, match="was taken back"):
        await be_too_late()
    assert await state(observer) == (0, 0, 1)
    assert over == [True]


async def test_a_statement_that_failed_and_was_swallowed_takes_both_back(
    caller: Caller, transact: Transact, observer: asyncpg.Connection
) -> None:
    async def swallow() -> None:
        async with entered(caller, transact()):
            await caller.sql(WRITE)
            with pytest.raises(Exception, match="division by zero"):
                await caller.sql("select 1 / 0")

    with pytest.raises(Exception, match="transaction is aborted"):
        await swallow()
    assert await state(observer) == (0, 0, 1)


async def test_it_is_no_part_of_a_transaction_that_may_yet_be_rolled_back(
    caller: Caller, transact: Transact, observer: asyncpg.Connection
) -> None:
    if isinstance(caller.connection, asyncpg.Connection | asyncpg.pool.PoolConnectionProxy):
        await caller.connection.execute("begin")
    await caller.sql("select 1")
    with pytest.raises(ConfigError, match="without an open transaction"):
        async with entered(caller, transact()):
            pytest.fail("it was begun")
    assert await state(observer) == (0, 0, 1)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_a_connection_that_commits_each_statement_is_refused(
    driver: str, database_url: str, job: ClaimedJob, observer: asyncpg.Connection
) -> None:
    lender = Lender(dsn=database_url, schema="dibs", pooled=nullcontext)
    own = async_engine(database_url, driver, isolation_level="AUTOCOMMIT")
    async with own.connect() as connection:
        with pytest.raises(ConfigError, match="AUTOCOMMIT"):
            async with JobTransaction(job, lender, connection, lambda: None):
                pytest.fail("it was begun")
    await own.dispose()
    sync_engine = engine(database_url, isolation_level="AUTOCOMMIT")
    with (
        sync_engine.connect() as connection,
        pytest.raises(ConfigError, match="AUTOCOMMIT"),
        JobTransaction(job, lender, connection, lambda: None),
    ):
        pytest.fail("it was begun")
    sync_engine.dispose()
    assert await state(observer) == (0, 0, 1)


async def test_synchronous_code_gets_a_connection_of_its_own(
    database_url: str, job: ClaimedJob, observer: asyncpg.Connection
) -> None:
    lender = Lender(dsn=database_url, schema="dibs", pooled=nullcontext)
    with JobTransaction(job, lender, None, lambda: None) as connection:
        connection.execute(WRITE)
        assert await state(observer) == (0, 0, 1)
    assert connection.closed
    assert await state(observer) == (1, 1, 0)
