"""What was aimed at, and what was reached: each target reads its figure from a file of results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.report.results import Results, days, figures

Named = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure with the bound that it should keep."""

    what: str
    bound: float
    is_upper: bool
    read: Callable[[Named, Named], float]
    """From the figures of the limits and the bad days, by name."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A target and what was measured; nothing when that was not measured, or is void."""

    target: Target
    value: float | None

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.value is None:
            return "not measured"
        is_kept = self.value <= self.target.bound if self.target.is_upper else self.value >= self.target.bound
        return "reached" if is_kept else "**behind**"


def _at_least(bound: float, what: str, read: Callable[[Named, Named], float]) -> Target:
    return Target(what, bound, is_upper=False, read=read)


def _at_most(bound: float, what: str, read: Callable[[Named, Named], float]) -> Target:
    return Target(what, bound, is_upper=True, read=read)


def _rate(limits: Named, name: str) -> float:
    return float(limits[name]["rate"])


def _fastest(limits: Named, level: str) -> float:
    """The rate of one connection draining, at the best batch size."""
    names = [name for name in limits if name.startswith(f"drain.{level}.") and not name.endswith(".x2")]
    return max(_rate(limits, name) for name in names)


def _share(limits_days: Named, name: str) -> float:
    return float(limits_days[name]["share_of_clean"])


TARGETS: Final = (
    _at_least(0.7, "drain: worker / the same SQL by pgbench (L4/L2), the fastest batch size",
              lambda limits, _: _rate(limits, "drain.L4") / _fastest(limits, "L2")),
    _at_most(15, "worker: CPU of its process per no-op job, µs",
             lambda limits, _: float(limits["drain.L4"]["worker_cpu_us_per_job"])),
    _at_most(0.05, "worker: statements per job at full speed",
             lambda limits, _: float(limits["drain.L4"]["statements_per_job"])),
    _at_most(1.3, "enqueue by one caller: p50 / p50 of a bare INSERT of the same rows",
             lambda limits, _: limits["enqueue_one.L4.x1"]["latency_ms"]["p50"]
             / limits["enqueue_one.L1.asyncpg.x1"]["latency_ms"]["p50"]),
    _at_least(0.6, "enqueue by ten callers: rate / bare INSERT over ten connections",
              lambda limits, _: _rate(limits, "enqueue_one.L4.x10") / _rate(limits, "enqueue_one.L1.asyncpg.x10")),
    _at_least(0.6, "bulk enqueue, 200 B: rate / bare COPY of the same rows",
              lambda limits, _: _rate(limits, "enqueue_bulk.L4.200") / _rate(limits, "enqueue_bulk.L1.200")),
    _at_least(0.9, "1M waiting: share of the clean rate", lambda _, bad: _share(bad, "waiting_1m")),
    _at_least(0.9, "10M waiting: share of the clean rate", lambda _, bad: _share(bad, "waiting_10m")),
    _at_least(0.9, "10M finished: share of the clean rate", lambda _, bad: _share(bad, "finished_10m")),
    _at_least(0.8, "pinned snapshot: rate of the last tenth of 1M jobs, share of the clean rate",
              lambda _, bad: _share(bad, "pinned_snapshot")),
    _at_most(1, "idle worker: statements per second",
             lambda _, bad: bad["idle_workers"]["figures"]["statements_per_second_and_worker"]),
    _at_most(60, "idle worker: RSS, MB", lambda _, bad: bad["idle_workers"]["figures"]["worker_rss_mb_each"]),
)  # fmt: skip


def reached(results: Results) -> list[Reached]:
    """Every target, with what was measured."""
    limits, bad = figures(results), days(results)
    return [Reached(target, _value(target, limits, bad)) for target in TARGETS]


def _value(target: Target, limits: Named, bad: Named) -> float | None:
    try:
        return target.read(limits, bad)
    except (KeyError, TypeError, ValueError):  # a part of it was left out of the run, or is void
        return None
