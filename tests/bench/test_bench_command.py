"""`dibs bench`: measures on anybody's database, and leaves nothing behind however it ends."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dibs.bench.scratch import MARK
from dibs.bench.survey import STEPS
from support.cli import Cli, execute, fetch
from support.processes import DIBS, Child
from support.waiting import eventually_sync

SCHEMAS = "select count(*) from pg_namespace where nspname = 'dibs_bench'"
CONNECTIONS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"

Start = Callable[..., Child]


@pytest.fixture
def start(run_child: Callable[..., Child], tmp_path: Path) -> Start:
    """Start the command."""

    def start_one(*arguments: str) -> Child:
        return run_child([DIBS, "bench", *arguments], env={**os.environ, "DIBS_DATABASE_URL": ""}, cwd=tmp_path)

    return start_one


def test_it_measures_and_leaves_nothing(empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    # A left-over of a benchmark that was killed is no obstacle.
    execute(empty_database_url, f"create schema dibs_bench; comment on schema dibs_bench is '{MARK}'")
    execute(empty_database_url, "create table dibs_bench.left_over ()")
    done = Cli(empty_database_url)("bench", "--jobs", "100", "--json")
    found = json.loads(done.stdout)
    assert found.keys() == {"server", "cores", "limits", "results", "reading"}
    assert found["results"].keys() == STEPS.keys()
    for result in found["results"].values():
        assert result["wrong"] is None
        assert result["counts"]["lost"] == result["counts"]["repeated"] == 0
    assert found["limits"]["copied_per_second"] > 0
    assert found["server"]["is_visible"]
    assert found["reading"]["sentences"]
    for step in STEPS.values():
        assert step in done.output
    assert fetch(empty_database_url, SCHEMAS) == 0
    # The server may see a moment later who has gone.
    eventually_sync(lambda: fetch(empty_database_url, CONNECTIONS) == 0, what="no connection is left")


def test_a_schema_of_somebody_else_is_not_touched(empty_database_url: str):
    execute(empty_database_url, "create schema dibs_bench; create table dibs_bench.mine ()")
    said = Cli(empty_database_url)("bench", code=2).output
    assert "it is not touched" in said
    assert fetch(empty_database_url, "select to_regclass('dibs_bench.mine') is not null")


def test_behind_a_pooler_it_asks_for_a_direct_connection(empty_database_url: str):
    url = f"{empty_database_url}{'&' if '?' in empty_database_url else '?'}pgbouncer=true"
    assert "expected a direct connection" in Cli(url)("bench", code=2).output


def test_two_at_once_do_not_share_a_schema(start: Start, empty_database_url: str):
    first = start(empty_database_url, "--jobs", "100")
    first.wait_for("the server without a queue")
    assert "another benchmark is running in schema 'dibs_bench'" in Cli(empty_database_url)("bench", code=2).output
    first.send(signal.SIGTERM)
    first.wait()


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("the server without a queue", signal.SIGTERM),
        ("jobs enqueued at once", signal.SIGINT),
        ("jobs run by one worker", signal.SIGTERM),
    ],
)
def test_interrupted_it_leaves_nothing_and_exits_1(
    start: Start, empty_database_url: str, moment: str, number: signal.Signals
):
    # It is interrupted while a step begins, however many jobs the step has.
    child = start(empty_database_url, "--jobs", "500")
    child.wait_for(moment, within=60)
    child.send(number)
    assert child.wait() == 1, child.output
    assert "the scratch schema has been dropped" in child.output
    assert "Traceback" not in child.output
    assert fetch(empty_database_url, SCHEMAS) == 0
    # The server may see a moment later that a process has gone.
    eventually_sync(lambda: fetch(empty_database_url, CONNECTIONS) == 0, what="no connection is left")


def test_without_a_database_or_with_two_it_says_so(empty_database_url: str, tmp_path: Path):
    nobody = f"postgresql://nobody@/postgres?host={tmp_path}"
    assert "Is the server there" in Cli(nobody)("bench", code=2).output
    dibs = Cli(empty_database_url)
    assert "named twice" in dibs("--dsn", empty_database_url, "bench", empty_database_url, code=2).output
    assert "behind the command" in dibs("--schema", "mine", "bench", code=2).output
