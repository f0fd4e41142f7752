"""The memory of one worker over very many jobs."""

from dataclasses import dataclass
from typing import Any, Final

from chaos.endurance.place import DRAINED, Place, enqueue
from chaos.endurance.verdict import Verdict

SAMPLES: Final = 20
PIECE: Final = 5_000
GROWTH_BYTES_MAX: Final = 4_000_000
"""In the second half of the jobs: what an allocator keeps, and no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """What was asked for."""

    jobs: int

    async def run(self, place: Place) -> Verdict:
        """Feed one worker, and look at its memory each time that it has come so far."""
        each = max(self.jobs // SAMPLES, 1)
        rows: list[dict[str, Any]] = []
        async with place.worker() as worker:
            for done in range(each, self.jobs + 1, each):
                for first in range(done - each, done, PIECE):
                    await enqueue(first, min(PIECE, done - first))
                await place.until(DRAINED, seconds=60 + each / 100)
                rows.append({"jobs": done, "rss bytes": worker.rss_bytes})
            code = await worker.stop()
        growth = rows[-1]["rss bytes"] - rows[len(rows) // 2 - 1]["rss bytes"]
        return Verdict(
            rows=rows,
            figures={"growth in the second half, bytes": growth, "allowed, bytes": GROWTH_BYTES_MAX},
            broken={
                "growth above what is allowed": int(growth > GROWTH_BYTES_MAX),
                "exit code other than 0": int(code != 0),
                "jobs that have not ended": rows[-1]["jobs"] - await place.ended(),
            },
        )
