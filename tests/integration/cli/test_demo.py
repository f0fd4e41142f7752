"""`dibs demo`: runs anywhere, and leaves nothing behind however it ends."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from support.cli import Cli, fetch
from support.processes import DIBS, Child
from support.waiting import eventually_sync

SCHEMAS = "select count(*) from pg_namespace where nspname like 'dibs\\_demo%'"
CONNECTIONS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"

Start = Callable[..., Child]


@pytest.fixture
def start(run_child: Callable[..., Child], tmp_path: Path) -> Start:
    """Start the demo."""

    def start_one(url: str, *arguments: str) -> Child:
        return run_child([DIBS, "demo", *arguments], env={**os.environ, "DIBS_DATABASE_URL": url}, cwd=tmp_path)

    return start_one


def test_it_shows_success_retries_and_dead_letters_and_leaves_nothing(start: Start, empty_database_url: str):
    child = start(empty_database_url)
    assert child.wait(within=60) == 0, child.output
    assert "297 succeeded, 27 of them at a second attempt" in child.output
    assert "3 failed for good, as they should: PermanentError: page 100" in child.output
    assert re.search(r"300 jobs enqueued +\d+\.\d\d s", child.output)
    assert fetch(empty_database_url, SCHEMAS) == 0
    assert fetch(empty_database_url, CONNECTIONS) == 0


def test_it_needs_no_database_of_yours(start: Start, short_folder: Path, run_child: Callable[..., Child]):
    child = run_child([DIBS, "demo", "--jobs", "5"], env={"DIBS_DATABASE_URL": ""}, cwd=short_folder)
    assert child.wait(within=60) == 0, child.output
    assert "5 succeeded, 0 of them at a second attempt" in child.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_and_exits_1(start: Start, empty_database_url: str, number: signal.Signals):
    child = start(empty_database_url, "--jobs", "50000")
    child.wait_for("50,000 jobs enqueued")
    child.send(number)
    assert child.wait() == 1, child.output
    assert "what the demo made has been removed" in child.output
    assert "Traceback" not in child.output
    assert fetch(empty_database_url, SCHEMAS) == 0
    assert fetch(empty_database_url, CONNECTIONS) == 0


def test_killed_it_leaves_no_process_behind(start: Start, empty_database_url: str):
    child = start(empty_database_url, "--jobs", "50000")
    child.wait_for("50,000 jobs enqueued")
    child.send(signal.SIGKILL)
    child.wait()
    eventually_sync(lambda: fetch(empty_database_url, CONNECTIONS) == 0, what="the worker ends too")


def test_a_worker_that_dies_is_not_waited_for(start: Start, empty_database_url: str):
    child = start(empty_database_url, "--jobs", "50000")
    worker = int(child.wait_for(r"ready .* pid (\d+)")[1])
    child.wait_for("50,000 jobs enqueued")
    os.kill(worker, signal.SIGKILL)
    assert child.wait() == 1
    assert "the worker process ended with exit code -9" in child.output
    assert fetch(empty_database_url, SCHEMAS) == 0


def test_its_schema_is_its_own(dibs: Cli):
    dibs("--schema", "mine", "demo", code=2)
