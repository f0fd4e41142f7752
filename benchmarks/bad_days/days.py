"""Every bad day, by name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.bad_days import blocked, dump, finished, held_back, idle, killed, pruning, scheduled, waiting
from benchmarks.bad_days.day import Day, Site


@dataclass(frozen=True, slots=True)
class Kind:
    """How a bad day is measured, and what it is compared with."""

    measure: Callable[[Site], Awaitable[Day]]
    clean: str | None = None
    """The size of the clean runs that drain as many jobs; see `clean.SIZES`."""


DAYS: Final[Mapping[str, Kind]] = {
    "waiting_1m": Kind(waiting.one_million, "200k"),
    "waiting_10m": Kind(waiting.ten_million, "200k"),
    "finished_10m": Kind(finished.measure, "200k"),
    "scheduled_10m": Kind(scheduled.measure, "200k"),
    "pinned_snapshot": Kind(held_back.pinned_snapshot, "1m"),
    "idle_in_transaction": Kind(held_back.idle_in_transaction, "1m"),
    "pg_dump": Kind(dump.measure, "200k"),
    "blocked_100k": Kind(blocked.measure),
    "pruning": Kind(pruning.measure, "1m"),
    "worker_killed": Kind(killed.measure, "1m"),
    "idle_workers": Kind(idle.measure),
}
