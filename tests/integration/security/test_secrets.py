"""The password of a DSN is in no output, whatever goes wrong, and arguments are in no log."""

import os
import signal
import traceback
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from dibs import ConfigError, DatabaseUnavailableError, Dibs
from dibs.storage.psycopg_connection import psycopg_connection
from support.cli import Cli, as_role, execute
from support.engine import Engine, new_job
from support.grants import Grant
from support.postgres import PrivateServer
from support.processes import DIBS, Child
from support.waiting import eventually
from support.workers import READY

WRONG = "s3cret-p/w@d#"
SHOWN = ("s3cret", "p/w", "p%2Fw", "%2F")
APP = """
from dibs import Dibs

app = Dibs()

@app.task()
async def take(text: str, fails: bool = False) -> None:
    if fails:
        raise ValueError("no")

@app.task()
async def take_number(number: int) -> None:
    pass
"""
VERBS = (
    ("status",), ("status", "--json"), ("migrate",), ("migrate", "status"), ("migrate", "--plan"), ("migrate", "--sql"),
    ("health",), ("jobs", "list"), ("jobs", "show", "1"), ("jobs", "retry", "1"), ("jobs", "cancel", "1"),
    ("prune", "--yes"), ("prune", "--dry-run"), ("grant", "reader", "--to", "x"), ("demo",), ("bench",),
)  # fmt: skip


def assert_hidden(said: str) -> None:
    """No part of the password is there."""
    assert said
    assert not [part for part in SHOWN if part in said], said


@pytest.fixture
def locked_url(private_server: PrivateServer) -> str:
    """A server that asks for passwords, with the wrong one, percent-encoded."""
    execute(private_server.url, "create role locked login password 'right'")
    rules = private_server.server.data_folder / "pg_hba.conf"
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
    execute(private_server.url, "select pg_reload_conf()")
    return as_role(private_server.url, "locked", urllib.parse.quote(WRONG, safe=""))


def test_no_command_and_no_worker_shows_the_password(locked_url: str, run_child: Callable[..., Child], tmp_path: Path):
    for verb in VERBS:
        result = Cli("")("--dsn", locked_url, *verb, code=2)
        assert "password authentication failed" in result.output
        assert_hidden(result.output)
        assert_hidden("".join(traceback.format_exception(result.exception)))
    (tmp_path / "shop.py").write_text(APP)
    for options in ([], ["--log-format", "json", "--log-level", "debug", "--processes", "2"]):
        worker = run_child([DIBS, "worker", "shop:app", *options], env={"DIBS_DATABASE_URL": locked_url}, cwd=tmp_path)
        assert worker.wait() == 2
        assert "password authentication failed" in worker.output
        assert_hidden(worker.output)


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{WRONG}@127.0.0.1:1/x",
        f"postgresql://me@corp:{urllib.parse.quote(WRONG, safe='')}@127.0.0.1:1/x",
        f"postgresql://127.0.0.1:1/x?user=me&password={urllib.parse.quote(WRONG, safe='')}",
        f"me:{WRONG}@127.0.0.1:1/x",
        f"postgresql://me:{WRONG}@127.0.0.1:port/x",
        f"host=127.0.0.1 port=1 user=me password={WRONG}",
        f"host=127.0.0.1 port=1 user=me nonsense password='{WRONG} ",
    ],
)
async def test_no_error_and_no_traceback_shows_the_password(dsn: str):
    app = Dibs(dsn)
    with pytest.raises((DatabaseUnavailableError, ConfigError)) as caught:
        await app.open()
    assert_hidden("".join(traceback.format_exception(caught.value)))
    with pytest.raises((DatabaseUnavailableError, ConfigError)) as caught, psycopg_connection(dsn, name="x"):
        pass
    assert_hidden("".join(traceback.format_exception(caught.value)))
    assert_hidden(f"{app!r} {app.workplace()!r}")
    await app.close()


async def test_a_worker_logs_no_arguments(database_url: str, run_child: Callable[..., Child], tmp_path: Path):
    (tmp_path / "shop.py").write_text(APP)
    db = await asyncpg.connect(database_url)
    args = '{"text": "s3cret"}'
    await Engine(db).enqueue(
        new_job(task="shop.take", args_json=args),
        new_job(task="shop.take", args_json='{"text": "s3cret", "fails": true}'),
        new_job(task="shop.take_number", args_json='{"number": "s3cret"}'),
        new_job(task="shop.take_number", args_json='["s3cret"'.replace("[", "[[") + "]]"),
        new_job(task="shop.unheard_of", args_json=args),
    )
    command = [DIBS, "worker", "shop:app", "--log-format", "json", "--log-level", "debug"]
    worker = run_child(command, env={**os.environ, "DIBS_DATABASE_URL": database_url}, cwd=tmp_path)
    worker.wait_for(READY)
    await eventually(lambda: db.fetchval("select count(*) = 4 from dibs.done"))
    await eventually(lambda: db.fetchval("select count(*) = 1 from dibs.scheduled"))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert "s3cret" not in worker.output
    assert database_url not in worker.output
    assert "s3cret" not in str(await db.fetch("select * from dibs.attempt_error"))
    await db.close()


async def test_a_forged_notification_cancels_nothing(
    database_url: str, grant: Grant, run_child: Callable[..., Child], tmp_path: Path
):
    gate = tmp_path / "gate"
    (tmp_path / "shop.py").write_text(
        "import asyncio\nfrom pathlib import Path\nfrom dibs import Dibs\napp = Dibs()\n"
        f"@app.task()\nasync def wait() -> None:\n    while not Path({str(gate)!r}).exists():\n"
        "        await asyncio.sleep(0.01)\n"
    )
    db, nobody = await asyncpg.connect(database_url), await asyncpg.connect(grant())
    engine = Engine(db)
    [kept, unwanted] = await engine.enqueue(*[new_job(task="shop.wait")] * 2)
    worker = run_child([DIBS, "worker", "shop:app"], env={"DIBS_DATABASE_URL": database_url}, cwd=tmp_path)
    worker.wait_for(READY)
    await eventually(lambda: db.fetchval("select count(*) = 2 from dibs.lease"))
    for payload in (f"{kept},{unwanted}", "x" * 7000, "", "1;drop table", "٣"):
        for channel in ("cancel", "wake", "batch"):
            await nobody.execute("select pg_notify($1, $2)", f'"dibs".{channel}', payload)
    await engine.cancel(unwanted)
    await eventually(lambda: db.fetchval("select outcome = 'c' from dibs.done where job_id = $1", unwanted))
    assert await db.fetchval("select count(*) from dibs.lease where job_id = $1", kept) == 1
    gate.touch()
    await eventually(lambda: db.fetchval("select outcome = 's' from dibs.done where job_id = $1", kept))
    assert "Traceback" not in worker.output
    await nobody.close()
    await db.close()
