"""The page on performance shows the newest committed results, and no figure besides."""

import re
from pathlib import Path

import pytest

from benchmarks import takes
from benchmarks.peers import table
from benchmarks.report import page, results, tables, targets


def figure(**changes: object) -> dict[str, object]:
    """A figure as it stands in a file of results."""
    plain = {
        "name": "drain.L4",
        "level": "L4",
        "what": "dibs worker",
        "rate": 12_345.6,
        "latency_ms": {},
        "wrong": None,
    }
    return {**plain, **changes}


@pytest.mark.parametrize("path", page.PAGES, ids=lambda path: path.name)
def test_the_pages_show_the_newest_results(path: Path) -> None:
    shown = path.read_text("utf-8")
    newest = page.filled(shown, results.newest("dibs"), results.newest("peers"))
    assert shown == newest, "run python -m benchmarks.report.page"


def test_every_mark_of_the_page_is_closed_and_filled() -> None:
    marks = re.findall(r"<!-- (.*?) -->", page.PAGE.read_text("utf-8"))
    sections = [
        "targets", "targets among peers", "plots", "peers", "plots of peers", "scenarios", "limits", "bad days", "run",
        "run of peers",
    ]  # fmt: skip
    assert marks == [mark for name in sections for mark in (f"results: {name}", "end of results")]


def test_a_figure_whose_counts_are_wrong_is_void() -> None:
    shown = tables.limits({"limits": [figure(), figure(rate=None, wrong="one job is missing")]})
    assert "| 12,346 |" in shown
    assert "void: one job is missing" in shown


def test_a_target_that_was_not_measured_is_not_reached() -> None:
    shown = tables.targets({"scenarios": [], "limits": [figure()], "bad_days": []})
    assert "reached" not in shown
    assert shown.count("not measured") == len(shown.splitlines()) - 2


def test_of_several_repetitions_the_middle_one_counts() -> None:
    found = takes.medians([figure(rate=1.0), figure(rate=3.0), figure(rate=2.0), figure(name="drain.L2.500")])
    assert [entry["name"] for entry in found] == ["drain.L4", "drain.L2.500"]
    assert found[0]["rate"] == 2.0
    assert found[0]["rates"] == [1.0, 3.0, 2.0]


def test_what_was_disturbed_counts_only_where_nothing_was_calm() -> None:
    disturbed = [figure(rate=rate, disturbed=True) for rate in (1.0, 3.0, 2.0)]
    assert takes.medians(disturbed)[0]["rate"] == 2.0
    (found,) = takes.medians([*disturbed, figure(rate=9.0)])
    assert (found["rate"], found.get("disturbed")) == (9.0, None)


def test_of_latencies_each_cut_has_its_own_middle_and_of_two_the_worse() -> None:
    takes_of = [
        figure(rate=None, pickup_ms={"p50": p50, "p99": p99}) for p50, p99 in ((1.0, 9.0), (2.0, 7.0), (3.0, 8.0))
    ]
    assert takes.medians(takes_of)[0]["pickup_ms"] == {"p50": 2.0, "p99": 8.0}
    assert takes.medians(takes_of[:2])[0]["pickup_ms"] == {"p50": 2.0, "p99": 9.0}


def test_a_repetition_that_went_wrong_makes_the_figure_void() -> None:
    found = takes.medians([figure(rate=1.0), figure(rate=None, wrong="one job is missing"), figure(rate=2.0)])
    assert found[0]["rate"] is None


def run(system: str, rate: float, *, scenario: str = "drain.20k", wrong: str | None = None) -> dict[str, object]:
    """A run of a comparison."""
    return {
        "system": system, "scenario": scenario, "profile": "best", "rate": rate, "pickup_ms": {}, "wrong": wrong,
    }  # fmt: skip


def test_among_peers_the_fastest_whose_counts_are_right_is_the_measure() -> None:
    runs = [run("dibs", 800), run("huey", 100), run("rq", 400, wrong="a job was lost"), run("pgqueuer", 200)]
    shown = tables.targets_among_peers({"runs": runs})
    assert "| the same: times the fastest on Redis | ≥ 8 | 8 | reached, without rq |" in shown
    assert "| drain, best settings, one process: times PgQueuer | ≥ 5 | 4 | **behind** |" in shown


def test_a_peers_best_is_never_less_than_what_it_does_by_default() -> None:
    by_default = {**run("procrastinate", 10), "profile": "default"}
    shown = tables.targets_among_peers({"runs": [run("dibs", 800), run("procrastinate", 8), by_default]})
    assert "| the same: times Procrastinate | ≥ 80 | 80 | reached |" in shown


def test_takes_that_fall_on_both_sides_of_a_bound_are_within_noise() -> None:
    fed = [run("dibs", 110, scenario="feed"), run("pgmq", 100, scenario="feed")]
    sure, unsure = [100.0, 110.0, 120.0], [90.0, 100.0, 105.0]
    for takes_of_pgmq, said in ((unsure, "reached, within noise"), ([90.0, 95.0, 99.0], "reached")):
        runs = [{**fed[0], "rates": sure}, {**fed[1], "rates": takes_of_pgmq}]
        assert f"| {said} |" in tables.targets_among_peers({"runs": runs})


def test_what_decides_a_target_that_is_close_to_its_bound_is_a_close_call() -> None:
    runs = [
        run("dibs", 800), run("huey", 90), run("rq", 50), run("pgqueuer", 10), run("procrastinate", 7),
        run("dibs", 100, scenario="feed"), run("pgmq", 20, scenario="feed"), run("pgqueuer", 12, scenario="feed"),
    ]  # fmt: skip
    assert targets.close_calls({"runs": runs}) == {
        ("dibs", "drain.20k", "best"), ("huey", "drain.20k", "best"),
        ("dibs", "feed", "best"), ("pgqueuer", "feed", "best"),
    }  # fmt: skip


def test_in_short_those_on_redis_come_last_and_are_named() -> None:
    shown = table.short({"runs": [run("huey", 100), run("dibs", 800), run("dibs", 1, scenario="drain.1ms")]})
    assert [line.split("|")[1].strip() for line in shown.splitlines()[2:]] == ["dibs", "huey (Redis)"]
    assert "| dibs | yes / yes | 800 |" in shown, "columns of what was not run are left out"
