"""`dibs worker` where it can not start: a sentence, and exit code 2."""

import os
import signal
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from dibs.storage.migrate import migrations
from support.cli import Cli, execute
from support.processes import DIBS, Child
from support.workers import READY

NEWEST = migrations()[-1].version
SHOP = "from dibs import Dibs\napp = Dibs()\n@app.task()\ndef send() -> None: ...\nnot_an_app = 1\n"

Start = Callable[..., Child]


@pytest.fixture
def start(run_child: Callable[..., Child], tmp_path: Path) -> Start:
    """Start a worker in a folder with an app in it."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "faulty.py").write_text("1 / 0\n")

    def start_one(url: str, *arguments: str) -> Child:
        return run_child([DIBS, "worker", *arguments], env={**os.environ, "DIBS_DATABASE_URL": url}, cwd=tmp_path)

    return start_one


def refused(child: Child) -> str:
    """What a worker that could not start said."""
    assert child.wait() == 2, child.output
    return child.output


@pytest.mark.parametrize("processes", ["1", "2"])
def test_without_tables_it_says_what_to_run(start: Start, empty_database_url: str, processes: str):
    said = refused(start(empty_database_url, "shop:app", "--processes", processes))
    assert "there are no dibs tables in schema 'dibs'" in said
    assert "run: dibs migrate" in said
    assert "Traceback" not in said


def test_where_the_server_knows_no_such_database_it_says_so_at_once(start: Start, empty_database_url: str):
    elsewhere = urllib.parse.urlsplit(empty_database_url)._replace(path="/not_there").geturl()
    said = refused(start(elsewhere, "shop:app"))
    assert "not_there" in said
    assert "does not exist" in said
    assert "Create it, or check the name at the end of the DSN." in said
    assert "Traceback" not in said


def test_with_old_tables_it_says_what_to_run(start: Start, dibs: Cli):
    execute(dibs.url, "update dibs.migration set version = 0 where version = 1")
    said = refused(start(dibs.url, "shop:app"))
    assert f"at version {NEWEST if NEWEST > 1 else 0}, this dibs needs {NEWEST}" in said
    assert "run: dibs migrate" in said


def test_with_newer_tables_it_says_what_to_install(start: Start, dibs: Cli):
    execute(dibs.url, f"insert into dibs.migration values ({NEWEST + 1}, 'later')")
    said = refused(start(dibs.url, "shop:app"))
    assert f"this dibs knows only {NEWEST}" in said
    assert "install" in said


def test_without_the_right_to_the_tables_it_says_so(start: Start, dibs_on_empty: Cli, lowly_url: str):
    dibs_on_empty("migrate")
    assert "may not use the tables in schema 'dibs'" in refused(start(lowly_url, "shop:app"))


def test_with_a_dsn_that_can_not_be_read_it_does_not_try_for_ever(start: Start):
    said = refused(start("postgresql://me:sec#ret@db/shop", "shop:app"))
    assert "'postgresql://me:***@db/shop' is not a DSN" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere:app"], "there is no module 'nowhere'"),
        (["shop.py:app"], "did you mean shop:app?"),
        (["./shop.py"], "did you mean shop:app?"),
        (["shop:nothing"], "there is nothing of that name; did you mean shop:app?"),
        (["shop:not_an_app"], "got a int; did you mean shop:app?"),
        (["broken:app"], "No module named 'no_such_module'"),
        (["faulty:app"], "ZeroDivisionError"),
        (["faulty:app", "--processes", "2"], "ZeroDivisionError"),
        (["shop:app", "--queues", "a:0"], "slots are from 1 to"),
        (["shop:app", "--queues", "a:0", "--processes", "2"], "slots are from 1 to"),
        (["shop:app", "--queues", "a b"], "a queue's name"),
        (["shop:app", "--queues", ""], "at least one queue"),
        (["shop:app", "--shutdown", "-1"], "shutdown takes zero seconds or more"),
        (["shop:app", "--timeout", "0"], "the grace into the time-out"),
        (["shop:app", "--processes", "0"], "--processes"),
        ([], "Missing argument"),
    ],
)
def test_what_can_not_work_is_said_before_anything_starts(
    start: Start, database_url: str, arguments: list[str], said: str
):
    assert said in refused(start(database_url, *arguments))


def test_its_database_is_the_apps(dibs: Cli):
    assert "those of its app" in dibs("--schema", "other", "worker", "shop:app", code=2).output


def test_it_works_and_stops_with_0(start: Start, dibs: Cli):
    child = start(dibs.url, "shop", "--queues", "default:3", "--log-format", "json")
    child.wait_for(READY)
    assert "shop" not in dibs("status", "--check").output
    child.send(signal.SIGTERM)
    assert child.wait() == 0


def test_the_role_of_a_worker_needs_no_right_to_create(start: Start, dibs_on_empty: Cli, lowly_url: str):
    dibs_on_empty("migrate")
    execute(
        dibs_on_empty.url,
        "grant usage on schema dibs to public; grant select, insert, update, delete on all tables in schema dibs "
        "to public; grant usage, select, update on all sequences in schema dibs to public",
    )
    child = start(lowly_url, "shop:app")
    child.wait_for(READY)
    child.send(signal.SIGTERM)
    assert child.wait() == 0
