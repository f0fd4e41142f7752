"""The page on performance shows the newest committed results, and no figure besides."""

import re

from benchmarks.report import medians, page, results, tables


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


def test_the_page_shows_the_newest_results() -> None:
    shown = page.PAGE.read_text("utf-8")
    newest = page.filled(shown, results.newest("dibs"), results.newest("peers"))
    assert shown == newest, "run python -m benchmarks.report.page"


def test_every_mark_of_the_page_is_closed_and_filled() -> None:
    marks = re.findall(r"<!-- (.*?) -->", page.PAGE.read_text("utf-8"))
    sections = ["targets", "plots", "peers", "scenarios", "limits", "bad days", "run"]
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
    found = medians.medians([figure(rate=1.0), figure(rate=3.0), figure(rate=2.0), figure(name="drain.L2.500")])
    assert [entry["name"] for entry in found] == ["drain.L4", "drain.L2.500"]
    assert found[0]["rate"] == 2.0
    assert found[0]["rates"] == [1.0, 3.0, 2.0]


def test_a_repetition_that_went_wrong_makes_the_figure_void() -> None:
    found = medians.medians([figure(rate=1.0), figure(rate=None, wrong="one job is missing"), figure(rate=2.0)])
    assert found[0]["rate"] is None
