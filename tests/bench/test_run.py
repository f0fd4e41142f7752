"""A run counts what was executed, and a figure whose counts are wrong is void."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dibs.bench.driver import STAGE, Stage, System
from dibs.bench.places import Counters, FreshDatabase, processor_counters
from dibs.bench.processes import title, tree_cpu_seconds
from dibs.bench.run import run
from dibs.bench.scenarios.drain import Drain
from dibs.bench.scenarios.enqueue import Enqueue
from dibs.bench.scenarios.feed import Feed
from dibs.bench.scenarios.pickup import Pickup
from dibs.bench.scenarios.scenario import Scenario
from dibs.bench.systems.own import DIBS
from support.postgres import TestServer
from support.waiting import eventually_sync

FOLDER_QUEUE = System(name="folders", adapter=Path(__file__).with_name("folder_queue.py"), python=Path(sys.executable))
DRAIN = Drain(name="drain", jobs=40, seconds_max=3.0)

KINDS: tuple[Scenario, ...] = (
    DRAIN,
    Drain(name="from_start", jobs=40, from_start=True),
    Drain(name="two", jobs=400, body="sleep:0.005", workers=2),
    Drain(name="failing", jobs=40, body="fail:0.05"),
    Drain(name="waiting", jobs=40, body="sleep:0.001", payload_bytes=200),
    Enqueue(name="one", jobs=40, callers=3),
    Enqueue(name="many", jobs=40, how="many"),
    Feed(name="feed", jobs=40, callers=3),
    Pickup(name="pickup", jobs=12, rate=50.0),
)


class Folder:
    """A place for the queue in folders."""

    environment: Mapping[str, str] = {}

    def __init__(self, parent: Path, name: str = "") -> None:
        self._parent = parent
        self._name = name
        self._runs = 0

    async def reset(self) -> str:
        self._runs += 1
        folder = self._parent / f"{self._name}{self._runs}"
        folder.mkdir()
        return str(folder)

    async def settle(self) -> None:
        pass

    async def read(self) -> Counters:
        return Counters(**processor_counters(None))


@pytest.mark.parametrize("scenario", KINDS, ids=lambda scenario: scenario.name)
async def test_every_kind_of_scenario_counts_a_plain_system(tmp_path: Path, scenario: Scenario):
    result = await run(FOLDER_QUEUE, scenario, profile="honest", place=Folder(tmp_path))
    assert result.wrong is None
    assert (result.counts.distinct, result.counts.lost, result.counts.repeated) == (scenario.jobs, 0, 0)
    assert result.counts.finished == scenario.jobs
    assert (result.rate is None) == isinstance(scenario, Pickup)
    assert set(result.pickup_ms) == ({"p50", "p95", "p99", "max"} if isinstance(scenario, Pickup) else set())


@pytest.mark.parametrize("scenario", KINDS, ids=lambda scenario: scenario.name)
async def test_every_kind_of_scenario_counts_dibs(database_server: TestServer, scenario: Scenario):
    place = FreshDatabase(database_server.url, name=f"bench_{secrets.token_hex(4)}")
    try:
        result = await run(DIBS, scenario, profile="best", place=place)
    finally:
        await place.drop()
    assert result.wrong is None
    assert (result.counts.distinct, result.counts.repeated, result.counts.finished) == (scenario.jobs, 0, scenario.jobs)
    assert result.costs.wal_bytes


@pytest.mark.parametrize(
    ("profile", "lost", "repeated", "words"),
    [
        ("loses", 1, 0, "1 of 40 jobs were not executed in time"),
        ("repeats", 0, 1, "1 executions too many"),
        ("forgets", 0, 0, "the system says that 39 have finished"),
    ],
)
async def test_a_system_that_miscounts_gets_no_figure(
    tmp_path: Path, profile: str, lost: int, repeated: int, words: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dibs.bench.scenarios.scenario.FINISHED_SECONDS_MAX", 0.5)
    result = await run(FOLDER_QUEUE, DRAIN, profile=profile, place=Folder(tmp_path))
    assert words in (result.wrong or "")
    assert (result.counts.lost, result.counts.repeated) == (lost, repeated)
    assert result.rate is None
    shown = result.as_json()
    assert (shown["rate"], shown["seconds"], shown["per_job"], shown["pickup_ms"]) == (None, None, {}, {})


async def test_a_job_that_is_not_retried_is_seen_and_the_system_is_not_asked(tmp_path: Path):
    failing = Drain(name="failing", jobs=40, body="fail:0.05", seconds_max=1.0)
    result = await run(FOLDER_QUEUE, failing, profile="does_not_retry", place=Folder(tmp_path))
    assert result.wrong == "2 jobs failed, as they should, and were not retried"
    assert (result.counts.unretried, result.counts.finished) == (2, None)


async def test_no_command_line_tells_the_url(tmp_path: Path):
    place, tally_folder = Folder(tmp_path), tmp_path / "tally"
    tally_folder.mkdir()
    (tmp_path / "1").mkdir()
    url = await Folder(tmp_path / "1", name="pass-word").reset()
    stage = Stage(
        system=FOLDER_QUEUE, url=url, folder=tally_folder, jobs=1, body="noop", environment=place.environment
    )  # fmt: skip
    await stage.call("prepare")
    async with stage.worker("honest") as worker:
        await stage.call("enqueue", first=0, count=1, callers=1, payload_bytes=None, how="one")
        await stage.executed(1, 1, 10.0, worker)
        said = title(worker.process.pid)
    assert said.endswith("folder_queue.py work")
    assert "pass-word" not in said


async def test_the_last_ending_is_within_the_clock_of_a_drain(tmp_path: Path):
    # Its last job is executed at once, and is on record only half a second later.
    result = await run(FOLDER_QUEUE, DRAIN, profile="records_late", place=Folder(tmp_path))
    assert result.wrong is None
    assert result.seconds > 0.5


async def test_a_system_that_crashes_is_named_with_its_last_words(tmp_path: Path):
    result = await run(FOLDER_QUEUE, replace(DRAIN, seconds_max=20.0), profile="crashes", place=Folder(tmp_path))
    assert "the worker has crashed" in (result.wrong or "")
    assert result.counts.lost == 40


async def test_results_are_json(tmp_path: Path):

    shown = json.loads(json.dumps((await run(FOLDER_QUEUE, DRAIN, profile="honest", place=Folder(tmp_path))).as_json()))
    assert shown["system"] == "folders"
    assert shown["settings"]["jobs"] == 40
    assert shown["counts"] == {
        "jobs": 40, "distinct": 40, "lost": 0, "repeated": 0, "unretried": 0, "finished": 40,
    }  # fmt: skip


def test_a_process_that_is_below_another_one_is_counted_once():
    """As a server is that the program which measures has started: what is left is what others use."""
    burning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        eventually_sync(lambda: tree_cpu_seconds(burning.pid) > 1.0, what="a second of CPU time is used")
        own = tree_cpu_seconds(os.getpid())
        assert tree_cpu_seconds(os.getpid(), burning.pid) < own + 0.5
    finally:
        burning.kill()
        burning.wait()


def test_a_process_whose_driver_was_killed_before_it_began_ends():
    """Nobody would ever tell it to stop."""
    told = json.dumps({"driver": 1, "url": "postgresql:///nowhere", "profile": "best"})
    command = [sys.executable, STAGE, DIBS.adapter, "work"]
    said = subprocess.run(command, input=f"{told}\n", capture_output=True, text=True, check=False, timeout=20)
    assert (said.returncode, said.stdout) == (1, "")
