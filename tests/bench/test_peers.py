"""The comparison with peers: what is run, for whom, at which size, and what is made of the results."""

import dataclasses
import os
import re
import secrets
import subprocess
import sys

import pytest

from benchmarks.peers.catalogue import PEERS, Pace, Peer
from benchmarks.peers.circumstances import environment_of
from benchmarks.peers.entry import cell_of, entry_of, is_unfinished
from benchmarks.peers.plan import COMPARED, PROTOCOL, compared, fitted, full_jobs, planned, rounds, seconds_of, why_not
from benchmarks.peers.table import figure, short, table
from benchmarks.takes import Entry, medians
from dibs.bench.places import FreshDatabase
from dibs.bench.result import Costs, Counts, Result
from dibs.bench.run import run
from dibs.bench.scenarios.drain import Drain
from dibs.bench.scenarios.suite import SUITE
from dibs.bench.systems.own import DIBS
from support.postgres import TestServer

SLOW = Peer(name="slow", server="redis", pace=Pace(enqueue=500, default=20, best=100))
MINUTES_MAX = 90


def result(**changes: object) -> Result:
    """A result of a drain of 20,000 jobs that took two seconds."""
    plain = Result(
        system="huey",
        profile="best",
        scenario="drain.20k",
        settings={"seconds_max": 60.0},
        counts=Counts(jobs=20_000, distinct=20_000, repeated=0, finished=20_000),
        seconds=2.0,
        costs=Costs(foreign_cores=0.02),
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def results(*entries: Entry) -> dict[str, object]:
    return {"runs": list(entries), "left_out": {"one": "it is not there"}}


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_an_adapter_and_pinned_packages(peer: Peer) -> None:
    assert peer.adapter.is_file()
    pinned = peer.requirements.read_text("utf-8")
    asked = peer.requirements.with_suffix(".in").read_text("utf-8").splitlines()[0]
    name, version = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?==([\w.]+)", asked).groups()  # type: ignore[union-attr]
    assert re.search(rf"^{name}(\[[\w,]+\])?=={re.escape(version)} ", pinned, re.MULTILINE)
    assert min(peer.pace.default, peer.pace.best) > 0


def test_every_scenario_of_the_suite_is_run_and_every_compared_one_is_of_the_suite() -> None:
    assert {each.scenario.name for each in rounds()} == {scenario.name for scenario in SUITE}
    assert tuple(dict.fromkeys(each.scenario.name for each in compared())) == COMPARED


def test_the_protocol_has_20000_jobs_for_everybody_with_both_profiles() -> None:
    found = [each for each in compared() if each.scenario.name == PROTOCOL]
    assert [each.profile for each in found] == ["default", "best"]
    for each in found:
        fits = [fitted(each.scenario, peer, profile=each.profile, quick=False) for peer in (None, SLOW, *PEERS)]
        assert {(one.jobs, one.seconds_max) for one in fits} == {(20_000, 120.0)}
        assert not any(why_not(each.scenario, peer, each.profile) for peer in (None, SLOW, *PEERS))


def test_a_time_limit_is_the_same_for_all() -> None:
    for each in compared():
        fits = [fitted(each.scenario, peer, profile=each.profile, quick=False) for peer in (None, SLOW, *PEERS)]
        assert len({one.seconds_max for one in fits}) == 1


def test_a_slow_peer_gets_as_many_jobs_as_take_some_seconds() -> None:
    for each in compared(["drain.20k", "feed", "enqueue.one"]):
        scenario = fitted(each.scenario, SLOW, profile=each.profile, quick=False)
        assert seconds_of(scenario, SLOW, each.profile) < 20
    drain = next(compared(["drain.20k"])).scenario
    assert fitted(drain, SLOW, profile="best", quick=False) == dataclasses.replace(drain, jobs=500)
    assert fitted(drain, SLOW, profile="default", quick=False) == dataclasses.replace(drain, jobs=100)


def test_what_makes_no_sense_for_a_peer_is_not_run() -> None:
    wanted = compared(["enqueue.many", "drain.200k", "feed"])
    names = [each.scenario.name for each in wanted if why_not(each.scenario, SLOW, each.profile)]
    assert names == ["enqueue.many", "enqueue.many.4k", "drain.200k", "drain.200k.two"]


def test_what_was_not_run_is_told_with_its_reason() -> None:
    left = [
        {"system": name, "scenario": "drain.200k", "profile": "best", "why": "it is slow"} for name in ("rq", "huey")
    ]
    assert table({**results(), "not_run": left}).splitlines()[-2] == (
        "- drain.200k best is not run with rq, huey: it is slow"
    )


def test_the_whole_comparison_has_its_time() -> None:
    shown = planned(None, None, quick=False).splitlines()
    assert "about" in shown[-1]
    assert int(shown[-1].split()[-2]) <= MINUTES_MAX
    assert len(planned(["pickup"], ["huey"], quick=False).splitlines()) == 3


def test_uvloop_is_hidden_at_defaults_but_where_it_is_required() -> None:
    assert "without_uvloop" in environment_of(DIBS, "default")["PYTHONPATH"]
    assert "PYTHONPATH" not in environment_of(DIBS, "default", brings_uvloop=True)
    assert "PYTHONPATH" not in environment_of(DIBS, "best")


@pytest.mark.parametrize(("profile", "is_found"), [("default", False), ("best", True)])
def test_a_process_finds_uvloop_as_its_profile_says(profile: str, *, is_found: bool) -> None:
    environment = {**os.environ, **environment_of(DIBS, profile)}
    tried = subprocess.run([sys.executable, "-c", "import uvloop"], env=environment, check=False, capture_output=True)
    assert (tried.returncode == 0) is is_found, tried.stderr


async def test_dibs_runs_without_uvloop(database_server: TestServer) -> None:
    place = FreshDatabase(
        database_server.url, name=f"peers_{secrets.token_hex(4)}", environment=environment_of(DIBS, "default")
    )
    try:
        found = await run(DIBS, Drain(name="drain", jobs=20), profile="default", place=place)
    finally:
        await place.drop()
    assert found.wrong is None


async def test_a_run_that_is_out_of_time_did_not_finish(database_server: TestServer) -> None:
    place = FreshDatabase(database_server.url, name=f"peers_{secrets.token_hex(4)}")
    scenario = Drain(name="drain.50ms", jobs=2_000, body="sleep:0.05", seconds_max=2.0)
    try:
        found = await run(DIBS, scenario, profile="default", place=place)
    finally:
        await place.drop()
    assert is_unfinished(found)
    entry = entry_of(found)
    assert entry["wrong"] is None
    assert entry["unfinished"] == f"{found.counts.distinct:,} of 2,000 in 2 s"
    assert 0 < entry["rate"] <= 10 / 0.05 * 1.1  # ten slots
    assert "did not finish" in figure(entry)


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": Counts(jobs=20_000, distinct=19_999, repeated=0, finished=None), "seconds": 3.0},  # stuck early
        {"counts": Counts(jobs=20_000, distinct=19_000, repeated=1, finished=None), "seconds": 60.0},
        {"counts": Counts(jobs=20_000, distinct=0, repeated=0, finished=None), "seconds": 0.0},
    ],
)
def test_what_is_lost_or_ran_twice_is_void_and_not_slow(changes: dict[str, object]) -> None:
    entry = entry_of(result(wrong="it does not add up", **changes))
    assert (entry["wrong"], entry["unfinished"], entry["rate"]) == ("it does not add up", None, None)
    assert figure(entry) == "void"


def test_jobs_that_ran_twice_stand_beside_the_figure() -> None:
    counts = Counts(jobs=20_000, distinct=20_000, repeated=3, finished=20_000)
    entry = entry_of(result(counts=counts, wrong="3 executions too many"))
    assert (entry["wrong"], figure(entry)) == (None, "10,000 *(3 ran twice)*")
    lied = entry_of(result(counts=dataclasses.replace(counts, finished=19_999), wrong="3 executions too many"))
    assert figure(lied) == "void"


def test_a_system_that_was_still_at_it_keeps_its_rate() -> None:
    counts = Counts(jobs=20_000, distinct=6_000, repeated=0, finished=None)
    entry = entry_of(result(counts=counts, seconds=59.5, wrong="14,000 jobs were not executed in time"))
    assert (entry["rate"], entry["unfinished"], entry["wrong"]) == (100.8, "6,000 of 20,000 in 60 s", None)
    assert figure(entry) == "101 *(did not finish: 6,000 of 20,000 in 60 s)*"


def test_of_repetitions_the_middle_one_counts_with_its_range() -> None:
    middle = medians((entry_of(result(seconds=seconds)) for seconds in (1.0, 4.0, 2.0)), cell_of)
    assert [(entry["rate"], entry["rates"]) for entry in middle] == [(10_000.0, [20_000.0, 5_000.0, 10_000.0])]
    assert figure(middle[0]) == "10,000 (5,000 to 20,000)"


def test_the_table_says_how_many_jobs_what_is_kept_and_what_disturbed() -> None:
    few = Counts(jobs=2_000, distinct=2_000, repeated=0, finished=2_000)
    shown = table(
        results(
            entry_of(result(system="dibs", seconds=1.0)),
            entry_of(result(counts=few)),
            entry_of(result(system="procrastinate", wrong="one job is missing")),
        )
    )
    rows = {line.split("|")[1].strip(): line for line in shown.splitlines() if line.startswith("|")}
    assert rows["dibs"] == "| dibs | Postgres | yes / yes | 20,000 | 0.02 |"
    assert rows["huey"] == "| huey | Redis | no / no | 1,000 *(of 2,000)* | 0.02 |"
    assert rows["procrastinate"] == "| procrastinate | Postgres | yes / no | void | 0.02 |"
    assert "- procrastinate, drain.20k best is void: one job is missing" in shown
    assert "- the fastest of drain.20k best is the fastest of those with a figure, without procrastinate" in shown
    assert "- one is left out: it is not there" in shown


def test_what_stayed_disturbed_is_named() -> None:
    shown = table(results({**entry_of(result(costs=Costs(foreign_cores=0.5))), "disturbed": True}))
    assert "- huey, drain.20k best: others used 0.50 cores meanwhile, each time" in shown


def test_in_short_a_system_has_one_row() -> None:
    shown = short(results(entry_of(result()), entry_of(result(system="dibs"))))
    assert [line.split("|")[1].strip() for line in shown.splitlines()[2:]] == ["dibs", "huey (Redis)"]


def test_full_sizes_are_those_of_the_comparison() -> None:
    assert (full_jobs("drain.20k"), full_jobs("pickup")) == (20_000, 142)
