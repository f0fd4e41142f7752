"""What work costs the server: CPU time, write-ahead log, statements."""

import resource

from benchmarks.ground import Ground
from dibs.bench.places import Counters, alone, read_counters
from dibs.bench.result import Costs, spent


async def read_costs(ground: Ground, server_pid: int) -> Counters:
    """The counters now."""
    return await read_counters(ground.db, server_pid)


async def costs_since(before: Counters, ground: Ground, server_pid: int) -> Costs:
    """What was spent since *before*."""
    return Costs(**spent(before, await read_costs(ground, server_pid)))


async def settled_costs(before: Counters, ground: Ground, server_pid: int) -> Costs:
    """The same, once every other session of the database has ended, and so has told what it did."""
    await alone(ground.db)
    return await costs_since(before, ground, server_pid)


def cpu_seconds() -> float:
    """CPU time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
