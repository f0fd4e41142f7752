"""Where the peers on Redis are measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.servers import Server, flush
from dibs.bench.places import Counters, processor_counters


@dataclass(frozen=True, slots=True)
class EmptyRedis:
    """A Redis that is emptied for each run."""

    server: Server
    environment: Mapping[str, str] = field(default_factory=dict)

    async def reset(self) -> str:
        """Empty it."""
        flush(self.server.dsn)
        return self.server.dsn

    async def settle(self) -> None:
        """There is nothing to write out: this Redis keeps nothing on disk."""

    async def read(self) -> Counters:
        """CPU time. Redis writes no log ahead here, and has no transactions to count."""
        counters: dict[str, Any] = dict(processor_counters(self.server.pid))
        return Counters(**counters)
