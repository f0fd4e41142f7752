"""One measured figure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dibs.bench.result import Costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was done, how fast, at what cost, and whether the counts were right."""

    name: str
    """Short and unique within a run, like `drain.L2.500`."""
    level: str
    what: str
    jobs: int
    seconds: float
    costs: Costs | None = None
    worker_cpu_seconds: float | None = None
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    wrong: str | None = None
    """Why the rate is void: counts that do not add up."""

    @property
    def rate(self) -> float | None:
        """Jobs per second; void when the counts are wrong."""
        return None if self.wrong else self.jobs / self.seconds

    def as_json(self) -> dict[str, object]:
        """As it is kept in the results."""
        per_job: dict[str, float | None] = {}
        if self.costs is not None:
            spent = self.costs.per_job(self.jobs)
            per_job = {
                "server_cpu_us_per_job": spent["server_cpu_us"],
                "wal_bytes_per_job": spent["wal_bytes"],
                "statements_per_job": spent["transactions"],
                "foreign_cores": self.costs.foreign_cores,
            }
        if self.worker_cpu_seconds is not None:
            per_job["worker_cpu_us_per_job"] = round(self.worker_cpu_seconds / self.jobs * 1e6, 2)
        return {
            "name": self.name,
            "level": self.level,
            "what": self.what,
            "jobs": self.jobs,
            "seconds": round(self.seconds, 4),
            "rate": None if self.rate is None else round(self.rate, 1),
            **per_job,
            "latency_ms": dict(self.latency_ms),
            "counts": dict(self.counts),
            "wrong": self.wrong,
        }
