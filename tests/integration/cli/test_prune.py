"""`dibs prune`: removes what was kept for long enough, or what people say, and tells before it does."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from dibs import Retention
from dibs.engine import prune as pruning
from dibs.engine.prune import take_turn
from dibs.worker.pruner import TURN_SECONDS
from support.cli import Cli, execute, fetch
from support.engine import FAILED, Engine

AGES = {1: "1 hour", 2: "3 days", 3: "8 days", 4: "8 days", 5: "31 days"}
"""Job 1 to 3 succeeded, 4 and 5 failed, so long ago; job 6 waits."""


async def of_all_ages(engine: Engine) -> None:
    await engine.enqueue(count=6)
    worker = await engine.register()
    for outcome in ({}, {"outcome": FAILED}):
        await engine.finish(*await engine.claim(worker, 3 if not outcome else 2), **outcome)
    for job_id, age in AGES.items():
        for table, column, key in (("job", "enqueued_at", "id"), ("done", "finished_at", "job_id")):
            await engine.connection.execute(
                f"update dibs.{table} set {column} = now() - '{age}'::interval where {key} = {job_id}"
            )


def left(url: str) -> str:
    """The ids of all jobs."""
    return fetch(url, "select string_agg(id::text, ' ' order by id) from dibs.job")


def test_what_was_kept_for_long_enough_goes_without_a_question(dibs: Cli, arrange: Callable):
    arrange(of_all_ages)
    assert dibs("prune").output == "2 jobs pruned, 1 of them dead letters.\n"
    assert left(dibs.url) == "1 2 4 6"
    assert dibs("prune").output == "0 jobs pruned.\n"


def test_what_the_apps_want_holds(dibs: Cli, arrange: Callable):
    arrange(of_all_ages)
    arrange(lambda engine: engine.run(take_turn(1, 0, Retention(finished=timedelta(days=1), dead_letters=None))))
    assert dibs("prune").output == "2 jobs pruned.\n"
    assert left(dibs.url) == "1 4 5 6"


def test_all_that_is_older_goes_after_a_question(dibs: Cli, arrange: Callable):
    arrange(of_all_ages)
    refused = dibs("prune", "--older-than", "2d", typed="n\n", code=1)
    assert "Prune 4 jobs, 2 of them dead letters? [y/N]" in refused.stderr
    assert left(dibs.url) == "1 2 3 4 5 6"
    assert "4 jobs pruned, 2 of them dead letters." in dibs("prune", "--older-than", "48h", typed="y\n").output
    assert left(dibs.url) == "1 6"
    assert dibs("prune", "--older-than", "1m", "--yes").output == "1 job pruned.\n"
    assert dibs("prune", "--older-than", "0s").output == "0 jobs pruned.\n", "nothing to ask about"
    assert left(dibs.url) == "6"


def test_a_dry_run_counts_and_changes_nothing(dibs: Cli, arrange: Callable):
    arrange(of_all_ages)
    assert dibs("prune", "--dry-run").output == "2 jobs would be pruned, 1 of them dead letters.\n"
    assert dibs("prune", "--dry-run", "--older-than", "30m").output.startswith("5 jobs would be pruned, 2 of")
    assert left(dibs.url) == "1 2 3 4 5 6"


def test_json_tells_how_much_and_from_when(dibs: Cli, arrange: Callable):
    arrange(of_all_ages)
    told = json.loads(dibs("prune", "--json", "--dry-run").stdout)
    assert (told["finished"], told["dead_letters"], told["is_dry_run"]) == (1, 1, True)
    told = json.loads(dibs("prune", "--json", "--yes", "--older-than", "90m").stdout)
    assert (told["finished"], told["dead_letters"], told["is_dry_run"]) == (2, 2, False)
    age = datetime.now().astimezone() - datetime.fromisoformat(told["dead_letters_before"])
    assert timedelta(minutes=90) <= age < timedelta(minutes=91)
    arrange(lambda engine: engine.run(take_turn(1, 0, Retention(finished=None, dead_letters=None))))
    told = json.loads(dibs("prune", "--json").stdout)
    assert (told["finished_before"], told["dead_letters_before"]) == (None, None)


def test_a_worker_gives_up_the_turn_and_gets_it_back(dibs: Cli, arrange: Callable):
    arrange(of_all_ages)
    assert arrange(lambda engine: engine.run(take_turn(1, TURN_SECONDS)))
    assert dibs("prune").output.startswith("2 jobs pruned")
    assert arrange(lambda engine: engine.run(take_turn(2, TURN_SECONDS)))


def test_many_go_piece_by_piece(dibs: Cli, arrange: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pruning, "PRUNE_ROWS", 70)

    async def make(engine: Engine) -> None:
        ids = await engine.enqueue(count=1_000)
        await engine.cancel(*ids)

    arrange(make)
    execute(dibs.url, "update dibs.done set finished_at = now() - interval '9 days'")
    execute(dibs.url, "update dibs.job set enqueued_at = now() - interval '9 days'")
    assert dibs("prune").output == "1,000 jobs pruned.\n"
    assert fetch(dibs.url, "select (select count(*) from dibs.job) + (select count(*) from dibs.done)") == 0


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1.5h", "1w", "99999999d", "\u0663d"])
def test_an_age_that_makes_no_sense_is_a_usage_error(dibs: Cli, age: str):
    assert "expected something like 30d" in dibs("prune", "--older-than", age, code=2).output
