"""What was aimed at, and what was reached: each target reads its figure from a file of results."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.entry import Cell, cell_of
from benchmarks.report.results import Results, by_name

Run = Mapping[str, Any]
Named = Mapping[str, Run]
Choice = Callable[[list[float]], float]
M = TypeVar("M")

OF_POSTGRES: Final = tuple(peer.name for peer in PEERS if peer.server == "postgres")
KEEPS_HISTORY_AT_BEST: Final = tuple(
    peer.name for peer in PEERS if peer.server == "postgres" and "best" in peer.history
)
"""What of others is switched off at their best settings is told in the table."""

DIBS: Final = "dibs"
OF_REDIS: Final = tuple(peer.name for peer in PEERS if peer.server == "redis")


CLOSE: Final = 1.3
"""A ratio that is its bound, times or by this at most, is a close call."""


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
    """All runs of a comparison, by system, scenario and profile; void ones count for nothing but to be named.

    *own* and *others* choose one of several takes of the same, of dibs and of its peers, by its rate; else the middle
    counts.
    """

    runs: Mapping[Cell, Run]
    own: Choice | None = None
    others: Choice | None = None
    seen: set[Cell] = field(default_factory=set)
    """What was read, of dibs and of the peers that were the best."""
    absent: set[str] = field(default_factory=set)
    """Peers whose runs are void."""

    def times(self, peers: Sequence[str], scenario: str, profile: str = "best") -> float:
        """The rate of dibs by that of the fastest of *peers*."""
        fastest = max(self._cells(peers, scenario, profile), key=lambda cell: self._rate(cell, self.others))
        own = DIBS, scenario, profile
        self.seen.update({own, fastest})
        return self._rate(own, self.own) / self._rate(fastest, self.others)

    def pickup(self, cut: str, profile: str) -> float:
        """The pick-up latency of dibs by that of the best peer on Postgres."""
        best = min(self._cells(OF_POSTGRES, "pickup", profile), key=lambda cell: self._latency(cell, cut, self.others))
        own = DIBS, "pickup", profile
        self.seen.update({own, best})
        return self._latency(own, cut, self.own) / self._latency(best, cut, self.others)

    def _cells(self, peers: Sequence[str], scenario: str, profile: str) -> list[Cell]:
        """Where they stand. A system's best is never less than what it does by default."""
        profiles = {profile} if profile == "default" else {profile, "default"}
        cells = [cell for peer in peers for one in profiles if (cell := (peer, scenario, one)) in self.runs]
        sound = [cell for cell in cells if not self.runs[cell]["wrong"]]
        self.absent.update({peer for peer, _, _ in cells} - {peer for peer, _, _ in sound})
        return sound

    def _rate(self, cell: Cell, choose: Choice | None) -> float:
        run = self.runs[cell]
        return float(choose(run["rates"]) if choose and "rates" in run else run["rate"])

    def _latency(self, cell: Cell, cut: str, choose: Choice | None) -> float:
        run = self.runs[cell]
        if choose and "pickups_ms" in run:
            return float(choose([latency[cut] for latency in run["pickups_ms"]]))
        return float(run["pickup_ms"][cut])


@dataclass(frozen=True, slots=True)
class Target(Generic[M]):
    """A figure with the bound that it should keep."""

    what: str
    bound: float
    is_upper: bool
    read: Callable[[M], float]

    def is_kept(self, value: float) -> bool:
        """Whether *value* keeps the bound."""
        return value <= self.bound if self.is_upper else value >= self.bound


@dataclass(frozen=True, slots=True)
class Reached:
    """A target and what was measured; nothing when that was not measured, or is void."""

    target: Target[Any]
    value: float | None
    extremes: tuple[float, ...] = ()
    """What it is if all takes count that were the worst for dibs, and the best."""
    absent: tuple[str, ...] = ()
    """Peers that it would be held against, too, had their runs not been void."""

    @property
    def verdict(self) -> str:
        """In a word, or two: where takes differ by so much that the bound lies between them."""
        if self.value is None:
            return "not measured"
        said = "reached" if self.target.is_kept(self.value) else "**behind**"
        is_clear = len({self.target.is_kept(value) for value in (self.value, *self.extremes)}) == 1
        said = said if is_clear else f"{said}, within noise"
        return f"{said}, without {' and '.join(self.absent)}" if self.absent else said


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
    _at_least(0.5, "the same: times the fastest on Postgres, be it one that records nothing (pgmq)",
              lambda found: found.times(OF_POSTGRES, "drain.20k")),
    _at_least(8, "drain, best settings, two processes: times the fastest on Redis",
              lambda found: found.times(OF_REDIS, "drain.20k.two")),
    _at_least(1, "20,000 jobs, ten workers, with the process's start: times the fastest of all",
              lambda found: found.times(OF_POSTGRES + OF_REDIS, "protocol", "default")),
    _at_least(1, "the same at best settings: times the fastest of all",
              lambda found: found.times(OF_POSTGRES + OF_REDIS, "protocol")),
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
    return [_reached_among(target, _of_peers(results)) for target in AMONG_PEERS]


def _reached_among(target: Target[Compared], runs: Mapping[Cell, Run]) -> Reached:
    middle, worst, best = Compared(runs), Compared(runs, own=min, others=max), Compared(runs, own=max, others=min)
    values = [_value(target, each) for each in (middle, worst, best)]
    return Reached(
        target,
        values[0],
        extremes=tuple(value for value in values[1:] if value is not None),
        absent=tuple(sorted(middle.absent)),
    )


def close_calls(results: Results) -> frozenset[Cell]:
    """What decides those targets of a comparison that are close to their bounds."""
    found: set[Cell] = set()
    for target in AMONG_PEERS:
        compared = Compared(_of_peers(results))
        value = _value(target, compared)
        if value is not None and target.bound / CLOSE <= value <= target.bound * CLOSE:
            found |= compared.seen
    return frozenset(found)


def _of_peers(results: Results) -> dict[Cell, Run]:
    return {cell_of(run): run for run in results["runs"]}


def _reached(targets: Iterable[Target[M]], measured: M) -> list[Reached]:
    return [Reached(target, _value(target, measured)) for target in targets]


def _value(target: Target[M], measured: M) -> float | None:
    try:
        return target.read(measured)
    except (KeyError, TypeError, ValueError):  # a part of it was left out of the run, or is void
        return None
