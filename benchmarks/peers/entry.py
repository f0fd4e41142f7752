"""A run as it is kept: its result, and what the rules of a comparison make of it."""

from dataclasses import replace
from typing import Final

from benchmarks.takes import Entry
from dibs.bench.result import Result

Cell = tuple[str, str, str]
"""A system, a scenario and a profile."""

_STILL_AT_IT: Final = 0.8
"""From this share of the time on, jobs have to have been started, for a system to count as slow and not as stuck."""


def entry_of(result: Result) -> Entry:
    """The result as it is kept.

    A system that was still running jobs when time ran out did not finish: it keeps the rate it had until then, and the
    entry says of how many jobs. One that ran some jobs twice, and nothing else is wrong, keeps its figures beside that
    number: at least once is what all promise. Other wrong counts leave no figure.
    """
    counted = replace(result, wrong=None) if has_only_repeated(result) else result
    found = counted.as_json() | {"unfinished": None}
    if is_unfinished(result):
        done, jobs = result.counts.distinct, result.counts.jobs
        found["unfinished"] = f"{done:,} of {jobs:,} in {result.settings['seconds_max']:.0f} s"
        found["rate"] = round(done / result.seconds, 1)
        found["seconds"] = round(result.seconds, 4)
        found["wrong"] = None
    return found


def failed(system: str, scenario: str, profile: str, why: str) -> Entry:
    """The entry of a run that came to no result."""
    return {
        "system": system, "profile": profile, "scenario": scenario, "rate": None, "pickup_ms": {}, "counts": {},
        "foreign_cores": None, "unfinished": None, "wrong": why,
    }  # fmt: skip


def cell_of(entry: Entry) -> Cell:
    """Where it stands in the comparison."""
    return entry["system"], entry["scenario"], entry["profile"]


def is_unfinished(result: Result) -> bool:
    """True when nothing is wrong but that time ran out while jobs were still being started."""
    counts = result.counts
    return (
        result.wrong is not None
        and 0 < counts.distinct < counts.jobs
        and not counts.repeated
        and result.seconds >= _STILL_AT_IT * float(result.settings["seconds_max"])
    )


def has_only_repeated(result: Result) -> bool:
    """True when nothing is wrong but that some jobs ran more often than they had to."""
    counts = result.counts
    return (
        counts.repeated > 0
        and not counts.lost
        and not counts.unretried
        and counts.finished in (None, counts.jobs)
        and (result.seconds > 0 or bool(result.pickup_ms))
    )
