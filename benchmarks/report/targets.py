"""What was aimed at, and what was reached: each target reads its figure from a file of results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.report.results import Results, by_name

Named = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Measured:
    """All entries of a file of results, by their names."""

    scenarios: Named
    limits: Named
    days: Named

    def rate(self, limit: str) -> float:
        """Jobs per second of a limit."""
        return float(self.limits[limit]["rate"])

    def fastest(self, level: str) -> float:
        """The rate of one connection draining, at the best batch size."""
        names = [name for name in self.limits if name.startswith(f"drain.{level}.") and not name.endswith(".x2")]
        return max(self.rate(name) for name in names)

    def share(self, day: str) -> float:
        """What a bad day leaves of the clean rate."""
        return float(self.days[day]["share_of_clean"])

    def idle(self, figure: str) -> float:
        """A figure of workers without a job."""
        return float(self.days["idle_workers"]["figures"][figure])

    def pickup_ms(self, cut: str) -> float:
        """Of the latency of an idle worker."""
        return float(self.scenarios["pickup default"]["pickup_ms"][cut])


@dataclass(frozen=True, slots=True)
class Target:
    """A figure with the bound that it should keep."""

    what: str
    bound: float
    is_upper: bool
    read: Callable[[Measured], float]


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


def _at_least(bound: float, what: str, read: Callable[[Measured], float]) -> Target:
    return Target(what, bound, is_upper=False, read=read)


def _at_most(bound: float, what: str, read: Callable[[Measured], float]) -> Target:
    return Target(what, bound, is_upper=True, read=read)


TARGETS: Final = (
    _at_least(0.7, "drain: worker / the same SQL by pgbench (L4/L2), the fastest batch size",
              lambda found: found.rate("drain.L4") / found.fastest("L2")),
    _at_most(15, "worker: CPU of its process per no-op job, µs",
             lambda found: float(found.limits["drain.L4"]["worker_cpu_us_per_job"])),
    _at_most(0.05, "worker: statements per job at full speed",
             lambda found: float(found.limits["drain.L4"]["statements_per_job"])),
    _at_most(4, "pick-up by an idle worker: p50, ms", lambda found: found.pickup_ms("p50")),
    _at_most(15, "pick-up by an idle worker: p99, ms", lambda found: found.pickup_ms("p99")),
    _at_most(1.3, "enqueue by one caller: p50 / p50 of a bare INSERT of the same rows",
             lambda found: found.limits["enqueue_one.L4.x1"]["latency_ms"]["p50"]
             / found.limits["enqueue_one.L1.asyncpg.x1"]["latency_ms"]["p50"]),
    _at_least(0.6, "enqueue by ten callers: rate / bare INSERT over ten connections",
              lambda found: found.rate("enqueue_one.L4.x10") / found.rate("enqueue_one.L1.asyncpg.x10")),
    _at_least(0.6, "bulk enqueue, 200 B: rate / bare COPY of the same rows",
              lambda found: found.rate("enqueue_bulk.L4.200") / found.rate("enqueue_bulk.L1.200")),
    _at_least(0.9, "1M waiting: share of the clean rate", lambda found: found.share("waiting_1m")),
    _at_least(0.9, "10M waiting: share of the clean rate", lambda found: found.share("waiting_10m")),
    _at_least(0.9, "10M finished: share of the clean rate", lambda found: found.share("finished_10m")),
    _at_least(0.8, "pinned snapshot: rate of the last tenth of 1M jobs, share of the clean rate",
              lambda found: found.share("pinned_snapshot")),
    _at_most(1, "idle worker: statements per second",
             lambda found: found.idle("statements_per_second_and_worker")),
    _at_most(60, "idle worker: RSS, MB", lambda found: found.idle("worker_rss_mb_each")),
)  # fmt: skip


def reached(results: Results) -> list[Reached]:
    """Every target, with what was measured."""
    measured = Measured(by_name(results["scenarios"]), by_name(results["limits"]), by_name(results["bad_days"]))
    return [Reached(target, _value(target, measured)) for target in TARGETS]


def _value(target: Target, measured: Measured) -> float | None:
    try:
        return target.read(measured)
    except (KeyError, TypeError, ValueError):  # a part of it was left out of the run, or is void
        return None
