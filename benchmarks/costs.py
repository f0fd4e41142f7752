"""What work costs the server: CPU time, write-ahead log, statements."""

import asyncio
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.ground import Ground

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_END_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Costs:
    """A reading of ever-growing counters, or the difference of two."""

    seconds: float
    server_cpu_seconds: float
    wal_bytes: int
    statements: int
    """Transactions that were committed; every statement of a worker is one. Sessions report theirs with a delay of up
    to a second, and when they end."""
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
    """The counters now."""
    row = await ground.db.fetchrow(
        "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as wal, xact_commit as statements"
        " from pg_stat_database where datname = current_database()"
    )
    assert row is not None  # noqa: S101 - the database we are connected to is there
    server = tree_cpu_seconds(server_pid)
    foreign = machine_cpu_seconds() - server - tree_cpu_seconds(os.getpid())
    return Costs(time.monotonic(), server, row["wal"], row["statements"], foreign)


async def settled_costs(ground: Ground, server_pid: int) -> Costs:
    """The counters once every other session of the database has ended, and so has told what it did.

    Raises:
        TimeoutError: One does not end.
    """
    others = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    async with asyncio.timeout(_END_SECONDS):
        while await ground.value(others):  # noqa: ASYNC110 - a session that ends sends no event
            await asyncio.sleep(0.01)
    return await read_costs(ground, server_pid)


def machine_cpu_seconds() -> float:
    """CPU time that all cores together were busy, or that the host took from them, since the machine started."""
    fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, fields)
    return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS


def cpu_seconds() -> float:
    """CPU time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def process_cpu_seconds(pid: int) -> float:
    """CPU time of one process so far, without its children."""
    return sum(_cpu_fields(pid)[:2])


def tree_cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children, living and ended."""
    while True:
        children = _children(pid)
        total = sum(_cpu_fields(pid)) + sum(process_cpu_seconds(child) for child in children)
        if children == _children(pid):  # else one ended meanwhile, and is counted nowhere or twice
            return total


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _cpu_fields(pid: int) -> tuple[float, ...]:
    """User and system time, of the process and of its children that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return (0.0,) * 4
    return tuple(int(field) / _TICKS for field in fields[11:15])
