"""Several repetitions of one measurement become one entry: the middle one, with the rates of all."""

from collections.abc import Iterable
from typing import Any

Entry = dict[str, Any]


def medians(entries: Iterable[Entry]) -> list[Entry]:
    """One entry for each name, in the order of their first appearance. One that is wrong makes its name wrong."""
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        by_name.setdefault(entry["name"], []).append(entry)
    return [_median(repeated) for repeated in by_name.values()]


def _median(repeated: list[Entry]) -> Entry:
    wrong = [entry for entry in repeated if entry["wrong"]]
    if wrong:
        return wrong[0]
    if len(repeated) == 1:
        return repeated[0]
    in_order = sorted(repeated, key=lambda entry: float(entry["rate"] or 0.0))
    return {**in_order[(len(in_order) - 1) // 2], "rates": [entry["rate"] for entry in repeated]}
