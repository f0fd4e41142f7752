"""What every worker does for all: promote, rescue, tidy up. No leader; the statements sort out who does what."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from dibs.engine.liveness import tidy
from dibs.engine.promote import PROMOTE_ROWS, promote
from dibs.engine.rescue import rescue
from dibs.storage.link import Link
from dibs.worker.budget import Budget
from dibs.worker.config import WorkerConfig

log = logging.getLogger("dibs.worker")

SWEEP_SECONDS: Final = 30.0
"""So often, leases are checked although no worker looks dead: one whose rescue was held up is found then."""

TIDY_SECONDS: Final = 15.0
"""What there is to tidy up waits for so long, so that more comes together."""


class Upkeep:
    """The ticks of one worker."""

    def __init__(self, link: Link, config: WorkerConfig) -> None:
        self._link = link
        self._config = config
        self.worker_id = 0
        self._head = Budget()
        self._promoted_until: datetime | None = None
        self.on_promoted: Callable[[], None] = lambda: None
        """Called when jobs were put in line here."""
        self.is_settled = False
        """Whether this worker may judge others by their heartbeats."""

    async def promote(self) -> float | None:
        """Promote what is due; tells when the next job is."""
        from_head = self._head.is_due
        promoted = await self._link.run(promote(None if from_head else self._promoted_until))
        if from_head:
            self._head.spend(self._link.took_seconds)
        self._promoted_until = promoted.done_until
        if promoted.count:
            self.on_promoted()
        return 0.0 if promoted.count >= PROMOTE_ROWS else promoted.next_due_seconds

    async def rescue(self) -> float:
        """Take back the jobs of lost workers."""
        if not self.is_settled:
            return SWEEP_SECONDS
        rescued = await self._link.run(rescue(self.worker_id, self._config.grace_seconds))
        for worker_id in sorted({job.worker_id for job in rescued}):
            jobs = [job for job in rescued if job.worker_id == worker_id]
            dead = sum(job.outcome == "f" for job in jobs)
            log.warning("worker %d was lost; took back %d of its jobs%s", worker_id, len(jobs),
                        f", {dead} of them dead: they had no attempts left" if dead else "")  # fmt: skip
        return SWEEP_SECONDS

    async def tidy(self) -> None:
        """Fold counts and forget what nobody needs; asked for by a heartbeat that finds something."""
        await self._link.run(tidy())
