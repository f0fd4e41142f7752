"""Encrypted arguments: in no table in plain, opened by workers that have the key, and by no others."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psycopg
import pytest
from cryptography.fernet import Fernet

from dibs import ArgumentsError, ConfigError, DecryptionError, Dibs, PayloadTooLargeError
from dibs.domain.limits import ARGUMENT_BYTES_MAX, COPY_ROWS_MIN
from dibs.domain.sealing import open_sealed, seal
from dibs.encryption import Keys
from support.cli import Cli
from support.engine import Engine, new_job
from support.processes import DIBS, Child
from support.waiting import eventually
from support.workers import READY

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SECRET = "rosebud"
APP = """
import os
from dibs import Dibs, Retry
from dibs.encryption import Keys

app = Dibs(cipher=Keys(*os.environ["KEYS"].split(",")))

@app.task(name="keep", retry=Retry(delays=[0.05], attempts=2, jitter=0))
async def keep(word: str, fails: bool = False) -> None:
    assert word == "rosebud"
    if fails:
        raise ValueError("no")
"""


def made(url: str, *keys: str) -> tuple[Dibs, object]:
    """An app with these keys, and its task."""
    app = Dibs(url, cipher=Keys(*keys) if keys else None)

    @app.task(name="keep")
    async def keep(word: str, fails: bool = False) -> None:  # noqa: FBT001, FBT002 - a task
        """Never runs here."""

    return app, keep


async def everything(db: asyncpg.Connection) -> str:
    """All that stands in all tables and in what is made of them."""
    names = await db.fetch(
        "select relname from pg_class where relnamespace = 'dibs'::regnamespace and relkind in ('r', 'v')"
    )
    return "\n".join([str(await db.fetch(f"select t::text from dibs.{name} t")) for (name,) in names])


@pytest.fixture
def work(database_url: str, run_child: Callable[..., Child], tmp_path: Path) -> Callable[..., Child]:
    """Start a worker with these keys."""
    (tmp_path / "crew.py").write_text(APP)

    def start(*keys: str) -> Child:
        env = {"DIBS_DATABASE_URL": database_url, "KEYS": ",".join(keys)}
        worker = run_child([DIBS, "worker", "crew:app"], env=env, cwd=tmp_path)
        worker.wait_for(READY)
        return worker

    return start


async def test_arguments_are_in_no_table_and_reach_the_task(database_url: str, work: Callable[..., Child]):
    app, keep = made(database_url, NEW, OLD)
    db = await asyncpg.connect(database_url)
    before = made(database_url, OLD)
    async with app, before[0]:
        await keep.enqueue(SECRET)
        await asyncio.to_thread(keep.enqueue_sync, SECRET)
        await app.batch("x", [keep.job(SECRET), keep.options(delay=0.1).job(word=SECRET, fails=True)])
        async with db.transaction():
            await keep.options(connection=db).enqueue(SECRET)
        with psycopg.connect(database_url) as connection:
            keep.options(connection=connection).enqueue_sync(SECRET)
            app.batch_sync("y", [keep.job(SECRET)], connection=connection)
        await before[1].enqueue(SECRET)
        shown = (await app.job(1)).args
        assert shown == {"$encrypted": True}
    assert SECRET not in await everything(db)
    worker = work(NEW, OLD)
    await eventually(lambda: db.fetchval("select count(*) filter (where outcome = 's') = 7 from dibs.done"))
    await eventually(lambda: db.fetchval("select count(*) filter (where outcome = 'f') = 1 from dibs.done"))
    assert SECRET not in await everything(db)
    assert SECRET not in worker.output
    assert "arguments:   encrypted" in (await asyncio.to_thread(Cli(database_url), "jobs", "show", "1")).output
    await db.close()


async def test_a_worker_without_the_key_says_which_it_lacks(database_url: str, work: Callable[..., Child]):
    app, keep = made(database_url, NEW)
    async with app:
        [mine] = await app.enqueue_many([keep.options().job(SECRET)])
        [moved] = await Engine(db := await asyncpg.connect(database_url)).enqueue(new_job(task="keep"))
    new_id, old_id = Keys(NEW).ids[0], Keys(OLD).ids[0]
    await db.execute("update dibs.job set args = replace(args::text, '=', 'A')::json where id = $1", moved)
    worker = work(OLD)
    worker.wait_for(f"DecryptionError: encrypted by key '{new_id}'; known here are: {old_id}")
    await eventually(lambda: db.fetchval("select outcome = 'f' from dibs.done where job_id = $1", mine.id))
    await db.close()


async def test_a_bulk_is_encrypted_too(database_url: str):
    app, keep = made(database_url, NEW)
    async with app:
        await app.enqueue_many([keep.job(SECRET)] * COPY_ROWS_MIN)
    db = await asyncpg.connect(database_url)
    assert await db.fetchval("select count(*) from dibs.job where args::text like '%rosebud%'") == 0
    assert await db.fetchval("select count(distinct args::text) from dibs.job") == COPY_ROWS_MIN
    await db.close()


def test_arguments_are_checked_before_they_are_encrypted():
    _, keep = made("postgresql://127.0.0.1:1/x", NEW)
    with pytest.raises(ArgumentsError):
        keep.job(7)
    with pytest.raises(PayloadTooLargeError):
        keep.job("x" * ARGUMENT_BYTES_MAX)


def test_what_was_changed_or_moved_is_refused():
    keys = Keys(NEW)
    sealed = seal(keys, "keep", "{}")
    assert open_sealed(keys, "keep", sealed) == "{}"
    with pytest.raises(DecryptionError, match="encrypted for task 'keep', and stand in a job of 'other'"):
        open_sealed(keys, "other", sealed)
    secret = json.loads(sealed)["$encrypted"]
    for changed in (secret[:-4], secret[:20] + "AAAA" + secret[24:], keys.ids[0], f"{keys.ids[0]}.ä", "", "."):
        with pytest.raises(DecryptionError):
            open_sealed(keys, "keep", '{"$encrypted":' + json.dumps(changed) + "}")
    for shape in ('{"$encrypted":1}', '{"$encrypted":', '{"$encrypted":null,"word":"x"}'):
        with pytest.raises(DecryptionError, match="changed"):
            open_sealed(keys, "keep", shape)
    with pytest.raises(DecryptionError, match="no cipher"):
        open_sealed(None, "keep", sealed)
    with pytest.raises(DecryptionError, match="known here are"):
        open_sealed(Keys(OLD), "keep", sealed)


@pytest.mark.parametrize("keys", [(), ("x",), ("x" * 44,), (OLD, "secret-word"), (OLD, 7)])
def test_a_key_that_is_none_is_refused_and_not_shown(keys: tuple):
    with pytest.raises(ConfigError) as caught:
        Keys(*keys)
    assert "secret-word" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_nothing_shows_a_key():
    app = Dibs("postgresql://x", cipher=Keys(NEW, OLD))
    assert NEW not in f"{Keys(NEW, OLD)!r} {app!r} {app.workplace()!r} {vars(app)!r}"
