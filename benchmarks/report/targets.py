"""What was aimed at, and what was reached: each target reads its figure from a file of results."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from benchmarks.peers.catalogue import PEERS
from benchmarks.report.results import Results, by_name

Named = Mapping[str, Mapping[str, Any]]
M = TypeVar("M")

OF_POSTGRES: Final = tuple(peer.name for peer in PEERS if peer.server == "postgres")
KEEPS_HISTORY_AT_BEST: Final = tuple(
    peer.name for peer in PEERS if peer.server == "postgres" and "best" in peer.history
)
"""What of others is switched off at their best settings is told in the table."""

OF_REDIS: Final = tuple(peer.name for peer in PEERS if peer.server == "redis")


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

    def falling(self, day: str) -> float:
        """The rate of a day's last tenth by the best of those before."""
        *earlier, last = self.days[day]["figures"]["rate_by_tenth"]
        return float(last / max(earlier))

    def idle(self, figure: str) -> float:
        """A figure of workers without a job."""
        return float(self.days["idle_workers"]["figures"][figure])

    def pickup_ms(self, cut: str) -> float:
        """Of the latency of an idle worker."""
        return float(self.scenarios["pickup default"]["pickup_ms"][cut])


@dataclass(frozen=True, slots=True)
class Compared:
    """All runs of a comparison, by system, scenario and profile; void ones are not among them."""

    runs: Mapping[tuple[str, str, str], Mapping[str, Any]]

    def times(self, peers: Sequence[str], scenario: str, profile: str = "best") -> float:
        """The rate of dibs by that of the fastest of *peers*."""
        fastest = max(float(run["rate"]) for run in self._of(peers, scenario, profile))
        return float(self.runs["dibs", scenario, profile]["rate"]) / fastest

    def pickup(self, cut: str, profile: str) -> float:
        """The pick-up latency of dibs by that of the best peer on Postgres."""
        best = min(float(run["pickup_ms"][cut]) for run in self._of(OF_POSTGRES, "pickup", profile))
        return float(self.runs["dibs", "pickup", profile]["pickup_ms"][cut]) / best

    def _of(self, peers: Sequence[str], scenario: str, profile: str) -> list[Mapping[str, Any]]:
        return [self.runs[peer, scenario, profile] for peer in peers if (peer, scenario, profile) in self.runs]


@dataclass(frozen=True, slots=True)
class Target(Generic[M]):
    """A figure with the bound that it should keep."""

    what: str
    bound: float
    is_upper: bool
    read: Callable[[M], float]


@dataclass(frozen=True, slots=True)
class Reached:
    """A target and what was measured; nothing when that was not measured, or is void."""

    target: Target[Any]
    value: float | None

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.value is None:
            return "not measured"
        is_kept = self.value <= self.target.bound if self.target.is_upper else self.value >= self.target.bound
        return "reached" if is_kept else "**behind**"


def _at_least(bound: float, what: str, read: Callable[[M], float]) -> Target[M]:
    return Target(what, bound, is_upper=False, read=read)


def _at_most(bound: float, what: str, read: Callable[[M], float]) -> Target[M]:
    return Target(what, bound, is_upper=True, read=read)


TARGETS: Final[tuple[Target[Measured], ...]] = (
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
    _at_least(0.8, "pinned snapshot: rate of the last tenth / the best tenth before",
              lambda found: found.falling("pinned_snapshot")),
    _at_most(1, "idle worker: statements per second",
             lambda found: found.idle("statements_per_second_and_worker")),
    _at_most(60, "idle worker: RSS, MB", lambda found: found.idle("worker_rss_mb_each")),
)  # fmt: skip


AMONG_PEERS: Final[tuple[Target[Compared], ...]] = (
    _at_least(5, "drain, best settings, one process: times PgQueuer",
              lambda found: found.times(["pgqueuer"], "drain.20k")),
    _at_least(80, "the same: times Procrastinate", lambda found: found.times(["procrastinate"], "drain.20k")),
    _at_least(8, "the same: times the fastest on Redis", lambda found: found.times(OF_REDIS, "drain.20k")),
    _at_least(1, "the same: times the fastest on Postgres that keeps a history, as dibs does",
              lambda found: found.times(KEEPS_HISTORY_AT_BEST, "drain.20k")),
    _at_least(0.5, "the same: times the fastest on Postgres, with a history or without",
              lambda found: found.times(OF_POSTGRES, "drain.20k")),
    _at_least(1, "20,000 jobs, ten workers, with the process's start: times the fastest of all",
              lambda found: found.times(OF_POSTGRES + OF_REDIS, "protocol", "default")),
    _at_least(3, "enqueue by ten callers: times the fastest on Postgres",
              lambda found: found.times(OF_POSTGRES, "enqueue.one.10")),
    _at_least(1, "bulk enqueue: times the fastest of all",
              lambda found: found.times(OF_POSTGRES + OF_REDIS, "enqueue.many")),
    _at_least(8, "feed one by one while draining: times PgQueuer", lambda found: found.times(["pgqueuer"], "feed")),
    _at_least(1, "the same: times pgmq", lambda found: found.times(["pgmq"], "feed")),
    _at_most(1, "pick-up p50, defaults: share of the best on Postgres", lambda found: found.pickup("p50", "default")),
    _at_most(1, "pick-up p99, defaults: share of the best on Postgres", lambda found: found.pickup("p99", "default")),
    _at_most(1, "pick-up p50, best settings: share of the best on Postgres", lambda found: found.pickup("p50", "best")),
    _at_most(1, "pick-up p99, best settings: share of the best on Postgres", lambda found: found.pickup("p99", "best")),
)  # fmt: skip


def reached(results: Results) -> list[Reached]:
    """Every target of dibs alone, with what was measured."""
    measured = Measured(by_name(results["scenarios"]), by_name(results["limits"]), by_name(results["bad_days"]))
    return _reached(TARGETS, measured)


def reached_among_peers(results: Results) -> list[Reached]:
    """Every target that is a comparison."""
    runs = {(run["system"], run["scenario"], run["profile"]): run for run in results["runs"] if not run["wrong"]}
    return _reached(AMONG_PEERS, Compared(runs))


def _reached(targets: Iterable[Target[M]], measured: M) -> list[Reached]:
    return [Reached(target, _value(target, measured)) for target in targets]


def _value(target: Target[M], measured: M) -> float | None:
    try:
        return target.read(measured)
    except (KeyError, TypeError, ValueError):  # a part of it was left out of the run, or is void
        return None
