"""What came out of one run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dibs.bench.places import Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the jobs."""

    jobs: int
    distinct: int
    """Jobs that were executed."""
    repeated: int
    """Executions beyond those that had to be."""
    unretried: int = 0
    """Jobs that failed, as they should, and were not executed again."""
    finished: int | None
    """Jobs that the system itself says have finished; null when it can not say."""

    @property
    def lost(self) -> int:
        """Jobs that were never executed."""
        return self.jobs - self.distinct


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a run used; null where it could not be seen."""

    worker_cpu_seconds: float | None = None
    """Of the workers' process trees, from the first execution that was seen to the end."""
    worker_jobs: int = 0
    """Jobs that were executed in that time."""
    worker_rss_bytes: int | None = None
    sender_cpu_seconds: float | None = None
    server_cpu_seconds: float | None = None
    wal_bytes: int | None = None
    transactions: int | None = None
    foreign_cores: float | None = None
    """Cores that others on this machine were using meanwhile."""

    def per_job(self, jobs: int) -> dict[str, float | None]:
        """The same, shared out to the jobs."""
        return {
            "worker_cpu_us": _share(self.worker_cpu_seconds, self.worker_jobs, 1e6),
            "sender_cpu_us": _share(self.sender_cpu_seconds, jobs, 1e6),
            "server_cpu_us": _share(self.server_cpu_seconds, jobs, 1e6),
            "wal_bytes": _share(self.wal_bytes, jobs, 1),
            "transactions": _share(self.transactions, jobs, 1, digits=4),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One scenario, run by one system with one profile."""

    system: str
    profile: str
    scenario: str
    settings: Mapping[str, Any]
    """The scenario's."""
    counts: Counts
    seconds: float = 0.0
    """What the scenario's clock says."""
    costs: Costs = field(default_factory=Costs)
    call_ms: Mapping[str, float] = field(default_factory=dict)
    """How long the calls of enqueueing took: p50, p95, p99, max."""
    pickup_ms: Mapping[str, float] = field(default_factory=dict)
    """From the time a job was to be sent at to its start: p50, p95, p99, max."""
    wrong: str | None = None
    """Why the figures are void."""

    @property
    def rate(self) -> float | None:
        """Jobs per second; void when the counts are wrong."""
        return None if self.wrong or not self.seconds else self.counts.jobs / self.seconds

    @property
    def jobs_per_cpu_second(self) -> float | None:
        """Jobs for each CPU second of worker and server together."""
        per_job = self.costs.per_job(self.counts.jobs)
        worker, server = per_job["worker_cpu_us"], per_job["server_cpu_us"]
        return None if self.wrong or worker is None or server is None else round(1e6 / max(worker + server, 1e-3), 1)

    def as_json(self) -> dict[str, Any]:
        """As it is kept. Of a void result, what would be figures is left empty."""
        counts = self.counts
        return {
            "system": self.system,
            "profile": self.profile,
            "scenario": self.scenario,
            "settings": dict(self.settings),
            "rate": None if self.rate is None else round(self.rate, 1),
            "seconds": None if self.wrong else round(self.seconds, 4),
            "call_ms": {} if self.wrong else dict(self.call_ms),
            "pickup_ms": {} if self.wrong else dict(self.pickup_ms),
            "per_job": {} if self.wrong else self.costs.per_job(counts.jobs),
            "jobs_per_cpu_second": self.jobs_per_cpu_second,
            "worker_rss_bytes": self.costs.worker_rss_bytes,
            "foreign_cores": self.costs.foreign_cores,
            "counts": {
                "jobs": counts.jobs,
                "distinct": counts.distinct,
                "lost": counts.lost,
                "repeated": counts.repeated,
                "unretried": counts.unretried,
                "finished": counts.finished,
            },
            "wrong": self.wrong,
        }


def spent(before: Counters, after: Counters) -> dict[str, Any]:
    """What the server used between two readings, as fields of `Costs`."""
    seconds = max(after.seconds - before.seconds, 1e-9)
    foreign = _difference(before.foreign_cpu_seconds, after.foreign_cpu_seconds)
    return {
        "server_cpu_seconds": _difference(before.server_cpu_seconds, after.server_cpu_seconds),
        "wal_bytes": _difference(before.wal_bytes, after.wal_bytes),
        "transactions": _difference(before.transactions, after.transactions),
        "foreign_cores": None if foreign is None else round(max(foreign, 0.0) / seconds, 2),
    }


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _share(used: float | None, jobs: int, unit: float, *, digits: int = 2) -> float | None:
    return None if used is None or not jobs else round(used / jobs * unit, digits)
