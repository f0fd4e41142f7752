"""Migrations: applied once, by whoever comes first, by anybody who may create a schema, under any name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg
import pytest

from dibs import Dibs, SchemaError
from dibs.domain.limits import SCHEMA_LENGTH_MAX
from dibs.storage import migrate as migrating
from dibs.storage.migrate import check, migrate, migrations, script, status
from support.engine import Ear, Engine, new_job

NEWEST = migrations()[-1].version

Connect = Callable[[str], Awaitable[asyncpg.Connection]]


@pytest.fixture
async def connect(empty_database_url: str) -> AsyncIterator[Connect]:
    """Connections that are closed before the database goes."""
    async with AsyncExitStack() as stack:

        async def connect_one(url: str) -> asyncpg.Connection:
            connection = await asyncpg.connect(url)
            stack.push_async_callback(connection.close)
            return connection

        yield connect_one


@pytest.fixture
async def empty(connect: Connect, empty_database_url: str) -> asyncpg.Connection:
    return await connect(empty_database_url)


async def run_a_job(connection: asyncpg.Connection, schema: str) -> None:
    """A life in short: each statement names each table at least once."""
    engine = Engine(connection, schema)
    await engine.enqueue(new_job(), new_job(delay_seconds=60), new_job())
    worker = await engine.register()
    await engine.finish(await engine.claim_one(worker))
    trip = await engine.succeed_and_claim(worker, [], wanted={await engine.queue(): 1})
    await engine.cancel(*[job.id for job in trip.claimed])
    await engine.promote()
    await engine.rescue(worker)


async def test_an_empty_database_gets_the_tables(empty: asyncpg.Connection):
    before = await status(empty)
    assert (before.version, before.applied, before.pending) == (0, (), migrations())
    assert list(await migrate(empty)) == list(migrations())
    after = await status(empty)
    assert (after.version, after.pending) == (NEWEST, ())
    await check(empty)
    await run_a_job(empty, "dibs")


async def test_a_second_time_changes_nothing(empty: asyncpg.Connection):
    await migrate(empty)
    history = await empty.fetch("select * from dibs.migration")
    assert list(await migrate(empty)) == []
    assert await empty.fetch("select * from dibs.migration") == history


async def test_of_twenty_that_start_at_once_one_applies_them(connect: Connect, empty_database_url: str):
    connections = [await connect(empty_database_url) for _ in range(20)]
    applied = await asyncio.gather(*(migrate(connection) for connection in connections))
    assert sorted(len(each) for each in applied) == [0] * 19 + [len(migrations())]
    await check(connections[0])


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
async def test_a_database_with_a_stricter_default_can_be_migrated_by_many(
    connect: Connect, empty_database_url: str, level: str
):
    connections = [await connect(empty_database_url) for _ in range(4)]
    for connection in connections:
        await connection.execute(f"set default_transaction_isolation = '{level}'")
    await asyncio.gather(*(migrate(connection) for connection in connections))
    await check(connections[0])


async def test_a_failed_migration_leaves_nothing(empty: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch):
    broken = migrating.Migration(NEWEST + 1, "broken", "create table /*schema.*/half (); select 1 / 0;")
    monkeypatch.setattr(migrating, "migrations", lambda: (*migrations(), broken))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty)
    assert not await empty.fetchval("select exists (select from pg_namespace where nspname = 'dibs')")


NAMES = ["jobs", "Mixed Case", 'quo"te', "o'clock", "naïve-🦊", "select", "a.b", "x" * SCHEMA_LENGTH_MAX, "%s", "$1"]


@pytest.mark.parametrize("name", NAMES)
async def test_the_schema_may_have_any_name(empty: asyncpg.Connection, name: str):
    assert Dibs(schema=name).schema == name
    await migrate(empty, name)
    await check(empty, name)
    await run_a_job(empty, name)


@pytest.mark.parametrize("name", ["o'clock", 'quo"te', "naïve-🦊", "x" * SCHEMA_LENGTH_MAX])
async def test_notifications_arrive_whatever_the_schemas_name(
    connect: Connect, empty_database_url: str, empty: asyncpg.Connection, name: str
):
    await migrate(empty, name)
    ear = await Ear.listen(await connect(empty_database_url), empty, name)
    engine = Engine(empty, name)
    (id_,) = await engine.enqueue()
    await engine.claim_one(await engine.register())
    await engine.cancel(id_)
    assert await ear.heard("cancel") == [str(id_)]


async def test_two_schemas_in_one_database_know_nothing_of_each_other(empty: asyncpg.Connection):
    for name in ("one", "two"):
        await migrate(empty, name)
    one, two = Engine(empty, "one"), Engine(empty, "two")
    await one.enqueue(count=3)
    assert await two.claim(await two.register(), 3) == []
    assert len(await one.claim(await one.register(), 3)) == 3


async def test_a_schema_that_is_there_is_used(empty: asyncpg.Connection):
    await empty.execute("create schema dibs; create table dibs.ours (id int)")
    await migrate(empty)
    await check(empty)


async def test_no_superuser_is_needed(plain_role_url: str):
    connection = await asyncpg.connect(plain_role_url)
    assert not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
    await migrate(connection)
    await check(connection)
    await run_a_job(connection, "dibs")
    await connection.close()


async def test_missing_tables_are_refused_with_the_command_to_run(empty: asyncpg.Connection):
    with pytest.raises(SchemaError, match=r"there are no dibs tables .* run: dibs migrate$"):
        await check(empty)
    with pytest.raises(SchemaError, match=r"run: dibs --schema jobs migrate$"):
        await check(empty, "jobs")


async def test_older_tables_are_refused_with_the_command_to_run(
    empty: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    await migrate(empty)
    added = migrating.Migration(NEWEST + 1, "added", "create table /*schema.*/added ();")
    monkeypatch.setattr(migrating, "migrations", lambda: (*migrations(), added))
    with pytest.raises(SchemaError, match=rf"at version {NEWEST}, this dibs needs {NEWEST + 1}; run: dibs migrate$"):
        await check(empty)
    assert [each.name for each in await migrate(empty)] == ["added"]
    await check(empty)


async def test_newer_tables_are_refused(empty: asyncpg.Connection):
    await migrate(empty)
    await empty.execute(f"insert into dibs.migration values ({NEWEST + 1}, 'from the future')")
    with pytest.raises(SchemaError, match=rf"at version {NEWEST + 1}, this dibs knows only {NEWEST}; install"):
        await check(empty)
    assert list(await migrate(empty)) == [], "and nothing is done to them"


async def test_the_app_says_what_to_run(empty_database_url: str):
    app = Dibs(empty_database_url)
    with pytest.raises(SchemaError, match="run: dibs migrate"):
        await app.open()
    await app.migrate()
    await app.open()
    await app.close()


async def test_the_script_does_the_same(empty: asyncpg.Connection):
    await empty.execute(script((await status(empty)).pending, "dibs"))
    assert (await status(empty)).pending == ()
    await check(empty)
    await run_a_job(empty, "dibs")
    await empty.execute(script((await status(empty)).pending, "dibs"))


def test_migrations_are_numbered_without_a_gap():
    assert [each.version for each in migrations()] == list(range(1, NEWEST + 1))
