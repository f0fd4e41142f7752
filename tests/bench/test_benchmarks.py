"""The rules by which the benchmarks of this repository are taken and shown."""

import os
import secrets
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.alone import alone
from benchmarks.bad_days.clean import compared
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import differing, ended
from benchmarks.ground import copy_job, fresh
from benchmarks.report import tables
from benchmarks.takes import TAKES_MAX, medians, undisturbed
from support.postgres import TestServer
from support.processes import Child
from support.waiting import eventually_sync

ROOT = Path(__file__).parents[2]
RESULTS: dict[str, Any] = {
    "date": "2026-01-01", "scale": 1, "machine": {}, "versions": {}, "settings": {},
    "scenarios": [], "limits": [], "clean": [], "bad_days": [], "failures": [],
}  # fmt: skip
DAY: dict[str, Any] = {
    "name": "waiting_1m", "what": "a million wait", "rate": 900.0, "window": "steady", "clean_rate": None,
    "clean_rates": [], "share_of_clean": None, "figures": {}, "counts": {}, "wrong": None, "missing": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("foreign_cores", "takes", "kept", "is_disturbed"),
    [
        ([0.1], 1, 0.1, False),
        ([None], 1, None, False),
        ([0.5, 0.1], 2, 0.1, False),
        ([0.5, 0.2, 0.3], 3, 0.2, True),
    ],
)
async def test_what_others_disturb_is_measured_again_and_marked(
    foreign_cores: list[float | None], takes: int, kept: float | None, *, is_disturbed: bool
):
    taken = []

    async def measure() -> dict[str, Any]:
        taken.append(foreign_cores[len(taken)])
        return {"wrong": None, "rate": 1000.0, "foreign_cores": taken[-1]}

    entry = await undisturbed(measure, TAKES_MAX)
    assert len(taken) == takes
    assert (entry["foreign_cores"], entry.get("disturbed", False)) == (kept, is_disturbed)
    assert ("disturbed (" in tables.bad_days({**RESULTS, "bad_days": [{**DAY, **entry}]})) == is_disturbed


def test_what_failed_stands_in_the_table_of_its_section():
    failures = [
        {"name": "limits.drain.drain_worker", "error": "OSError: no | disk\nat all"},
        {"name": "clean.1m", "error": "TimeoutError: "},
    ]
    results = {**RESULTS, "failures": failures}
    assert "**failed**: OSError: no \\| disk at all" in tables.limits(results)
    assert "**failed**: TimeoutError" in tables.bad_days(results)
    assert "failed" not in tables.scenarios(results)
    assert tables.page(results).count("**failed**") == 2


def test_the_middle_of_repeated_rates_is_shown_with_its_range():
    (entry,) = medians([{**DAY, "rate": rate} for rate in (1000.0, 3000.0, 2000.0)])
    assert "2,000 (1,000 to 3,000)" in tables.bad_days({**RESULTS, "bad_days": [entry]})


def test_a_day_is_held_against_clean_runs_of_its_size_in_its_window():
    def clean(name: str, steady: float, last: float, wrong: str | None = None) -> dict[str, Any]:
        return {"name": name, "windows": {"steady": steady, "last tenth": last}, "wrong": wrong}

    runs = [clean("200k", 1000, 1), clean("200k", 2000, 1), clean("200k", 900, 1), clean("1m", 1, 450)]
    (day,) = compared([DAY], runs, {"waiting_1m": "200k"})
    assert (day["clean_rate"], day["share_of_clean"]) == (1000, 0.9)
    assert "1,000 (900 to 2,000)" in tables.bad_days({**RESULTS, "bad_days": [day]})
    (day,) = compared([{**DAY, "window": "last tenth"}], runs, {"waiting_1m": "1m"})
    assert (day["clean_rate"], day["share_of_clean"]) == (450, 2.0)
    (day,) = compared([DAY], [*runs, clean("200k", 1, 1, wrong="one is lost")], {"waiting_1m": "200k"})
    assert day["share_of_clean"] is None


@pytest.mark.parametrize(
    ("executed", "endings", "words"),
    [
        (b"\1\1\2", [(0, 1, True), (1, 1, True), (2, 2, True)], None),
        (b"\1\1\1", [(0, 1, True), (2, 1, True)], "1 of 3 jobs have not ended"),
        # As many executions as successes, but not of the same jobs.
        (b"\1\0\2", [(0, 1, True), (1, 1, True), (2, 2, True)], "1 jobs are recorded as succeeded, and were never run"),
        (b"\1\1\2", [(0, 1, True), (1, 1, True), (2, 1, True)], "1 jobs ran more often than they were claimed"),
        (b"\1\0", [(0, 1, True), (1, 3, False)], None),
    ],
)
def test_a_drain_is_counted_job_by_job(executed: bytes, endings: list[tuple[int, int, bool]], words: str | None):
    assert differing(executed, endings) == words


async def test_waiting_for_a_drain_asks_nothing_of_the_table_of_endings(database_server: TestServer):
    jobs = 100
    async with (
        fresh(database_server.url, f"bench_{secrets.token_hex(4)}") as ground,
        Crew.on(ground.url, jobs=jobs) as crew,
    ):
        first = await crew.enqueue_one()
        await copy_job(ground, first, jobs - 1)
        # In a transaction, the scans of this session alone can be told: what the worker's look up is its own affair.
        scans = "select pg_stat_get_xact_numscans('done'::regclass)"
        async with crew.worker(), ground.db.transaction():
            before = await ground.value(scans)
            await ended(ground, crew, range(first, first + jobs))
            assert await ground.value(scans) == before
        assert await ground.value("select count(*) from done where outcome = 's'") == jobs


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("command", "begun"),
    [
        (["benchmarks.run", "--scale", "0.01", "--only", "bad_days.idle_workers"], "dibs-crew-*"),
        (["benchmarks.compare", "--systems", "dibs", "--scenarios", "drain.20k"], "dibs-bench-*/log"),
    ],
    ids=["run", "compare"],
)
def test_told_to_end_a_benchmark_leaves_nothing(
    run_child: Callable[..., Child], tmp_path: Path, command: list[str], begun: str, number: int
):
    child = run_child([sys.executable, "-m", *command], env={**os.environ, "TMPDIR": str(tmp_path)}, cwd=ROOT)
    eventually_sync(lambda: any(tmp_path.glob(begun)), what="workers are started")
    child.send(number)
    assert child.wait() == 128 + number, child.output
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in child.output


def test_two_benchmarks_of_one_clone_do_not_run_at_once(run_child: Callable[..., Child]):
    with alone():
        child = run_child([sys.executable, "-m", "benchmarks.run", "--only", "nothing"], env={**os.environ}, cwd=ROOT)
        assert child.wait() == 1
    assert "another benchmark of this clone is running" in child.output
