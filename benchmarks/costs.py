"""What work costs the server: CPU time, write-ahead log, statements."""

import resource
from dataclasses import dataclass
from typing import Self

from benchmarks.ground import Ground
from dibs.bench.places import alone, read_counters


@dataclass(frozen=True, slots=True)
class Costs:
    """A reading of ever-growing counters, or the difference of two."""

    seconds: float
    server_cpu_seconds: float
    wal_bytes: int
    statements: int
    """Transactions that were committed; every statement of a worker is one. Sessions report theirs with a delay, and
    when they end."""
    foreign_cpu_seconds: float
    """CPU time of this machine that neither the server nor this process and its children used."""

    def __sub__(self, earlier: Self) -> "Costs":
        """What was spent in between."""
        return Costs(
            self.seconds - earlier.seconds,
            self.server_cpu_seconds - earlier.server_cpu_seconds,
            self.wal_bytes - earlier.wal_bytes,
            self.statements - earlier.statements,
            self.foreign_cpu_seconds - earlier.foreign_cpu_seconds,
        )


async def read_costs(ground: Ground, server_pid: int) -> Costs:
    """The counters now; on a server of our own, on Linux, none of them is hidden."""
    found = await read_counters(ground.db, server_pid)
    return Costs(
        found.seconds,
        found.server_cpu_seconds or 0.0,
        found.wal_bytes or 0,
        found.transactions or 0,
        found.foreign_cpu_seconds or 0.0,
    )


async def settled_costs(ground: Ground, server_pid: int) -> Costs:
    """The counters once every other session of the database has ended, and so has told what it did."""
    await alone(ground.db)
    return await read_costs(ground, server_pid)


def cpu_seconds() -> float:
    """CPU time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
