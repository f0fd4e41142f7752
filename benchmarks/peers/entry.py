"""A run as it is kept: its result, and what the rules of a comparison make of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from dibs.bench.result import Result

Entry = dict[str, Any]

FOREIGN_CORES_MAX: Final = 0.15
"""What others on the machine may use during a run. One that was disturbed more is done once more."""

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


def is_disturbed(entry: Mapping[str, Any]) -> bool:
    """True when others took more of the machine than a figure can bear."""
    return (entry["foreign_cores"] or 0.0) > FOREIGN_CORES_MAX


def calmer(entries: Iterable[Entry]) -> Entry:
    """Of several runs of the same, the one that others disturbed least; one without a figure comes last."""
    return min(entries, key=lambda entry: (entry["wrong"] is not None, entry["foreign_cores"] or 0.0))


def medians(entries: Iterable[Entry]) -> list[Entry]:
    """One entry for each system, scenario and profile: the middle one of its repetitions, with the rates of all.

    Repetitions of which one is wrong are wrong.
    """
    together: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        together.setdefault((entry["system"], entry["scenario"], entry["profile"]), []).append(entry)
    return [_median(repeated) for repeated in together.values()]


def _median(repeated: list[Entry]) -> Entry:
    if wrong := [entry for entry in repeated if entry["wrong"]]:
        return wrong[0]
    in_order = sorted(repeated, key=_figure)
    return {**in_order[(len(in_order) - 1) // 2], "rates": [entry["rate"] for entry in repeated]}


def _figure(entry: Entry) -> float:
    return float(entry["pickup_ms"]["p50"] if entry["pickup_ms"] else entry["rate"])
