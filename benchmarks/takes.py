"""Which of several takes of one measurement counts: the one place for these rules."""

from collections.abc import Awaitable, Callable, Iterable
from statistics import median_high
from typing import Any, Final

Entry = dict[str, Any]
Take = Callable[[], Awaitable[Entry]]

FOREIGN_CORES_MAX: Final = 0.15
"""What others on the machine may use while something is measured."""

TAKES_MAX: Final = 3
"""What was disturbed more than that is measured again, until it has been so often; then the table says so."""


async def undisturbed(take: Take, takes_max: int = TAKES_MAX) -> Entry:
    """Measure again what others on the machine have disturbed; the calmest entry counts, and says if it was not calm.

    One that is wrong counts at once: calm that comes later does not make up for a lost job.
    """
    takes: list[Entry] = []
    while len(takes) < takes_max:
        takes.append(await take())
        if takes[-1]["wrong"] or _foreign_cores(takes[-1]) <= FOREIGN_CORES_MAX:
            return takes[-1]
    calmest = min(takes, key=_foreign_cores)
    return {**calmest, "disturbed": True}


def medians(entries: Iterable[Entry], key: Callable[[Entry], object] = lambda entry: entry["name"]) -> list[Entry]:
    """One entry for each *key*, in the order of their first appearance: the middle one, with the figures of all.

    They are its `rates`, or where a latency was measured, its `pickups_ms`: of those, each cut has its own middle. Of
    two in the middle, the worse one counts. One that is wrong makes its key wrong; one that was disturbed counts only
    where none was calm.
    """
    together: dict[object, list[Entry]] = {}
    for entry in entries:
        together.setdefault(key(entry), []).append(entry)
    return [_median(takes) for takes in together.values()]


def _median(takes: list[Entry]) -> Entry:
    if wrong := [entry for entry in takes if entry["wrong"]]:
        return wrong[0]
    takes = [entry for entry in takes if not entry.get("disturbed")] or takes
    if len(takes) == 1:
        return takes[0]
    if pickups := [entry["pickup_ms"] for entry in takes if entry.get("pickup_ms")]:
        middles = {cut: median_high(pickup[cut] for pickup in pickups) for cut in pickups[0]}
        return {**takes[0], "pickup_ms": middles, "pickups_ms": pickups}
    middle = sorted(takes, key=lambda entry: entry["rate"] or 0.0)[(len(takes) - 1) // 2]
    return {**middle, "rates": [entry["rate"] for entry in takes]}


def _foreign_cores(entry: Entry) -> float:
    """Nothing where it can not be seen."""
    return entry.get("foreign_cores") or 0.0
