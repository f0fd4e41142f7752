"""Every bad day, by name."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from benchmarks.bad_days import blocked, dump, finished, held_back, idle, killed, pruning, scheduled, waiting
from benchmarks.bad_days.day import Day, Site

DAYS: Final[Mapping[str, Callable[[Site], Awaitable[Day]]]] = {
    "waiting_1m": waiting.one_million,
    "waiting_10m": waiting.ten_million,
    "finished_10m": finished.measure,
    "scheduled_10m": scheduled.measure,
    "pinned_snapshot": held_back.pinned_snapshot,
    "idle_in_transaction": held_back.idle_in_transaction,
    "pg_dump": dump.measure,
    "blocked_100k": blocked.measure,
    "pruning": pruning.measure,
    "worker_killed": killed.measure,
    "idle_workers": idle.measure,
}
