"""Prune finished jobs at the pace of a walk: one worker at a time, on a connection that it opens for this alone.

Its own connection, since a claim must not wait for a piece to be pruned; and it is closed again, since there is seldom
anything to do.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Final

from dibs.domain.retention import Retention
from dibs.engine.prune import Walk, cutoffs, prune, take_turn
from dibs.storage.link import Link
from dibs.worker.budget import Budget

log = logging.getLogger("dibs.worker")

PRUNE_SECONDS: Final = 300.0
"""Between two looks for what may go. Jobs are kept for days, so a few minutes more do not count."""

PRUNE_FIRST_SECONDS: Final = 5.0
"""A worker that starts has more urgent things to do."""

TURN_SECONDS: Final = 3 * PRUNE_SECONDS
"""Whoever prunes keeps the turn, since it knows how far it has come; when it is gone, another one takes over."""

PRUNE_SHARE: Final = 0.05
"""Of the time that may be spent on pruning, however much there is to prune. (A piece of more than 15 seconds, a
thousand times as long as it should take, gets more, a sixth at most: the pause must end before the turn does.)"""

HEAD_SECONDS: Final = 3600.0
"""Walks begin where the last one found its first job to prune; this often one begins with the first job of all, where
jobs are found that ended much later than those around them."""


class Pruner:
    """What one worker prunes, when it is its turn."""

    def __init__(self, link: Link, own_link: Callable[[], Link], wish: Retention | None) -> None:
        self._link = link
        self._own_link = own_link
        self._wish = wish
        self._floors: dict[bool, int] = {}
        self._head_at = 0.0
        self.worker_id = 0

    async def tick(self) -> float:
        """Prune what may go, if it is this worker's turn."""
        if not await self._link.run(take_turn(self.worker_id, TURN_SECONDS, self._wish)):
            return PRUNE_SECONDS
        if monotonic() >= self._head_at:
            self._floors.clear()
            self._head_at = monotonic() + HEAD_SECONDS
        until = await self._link.run(cutoffs())
        own = self._own_link()
        try:
            for walk in until.walks:
                await self._go(own, replace(walk, behind_id=self._floors.get(walk.dead_letters, 0)))
        finally:
            await own.close()
        return PRUNE_SECONDS

    async def _go(self, link: Link, walk: Walk) -> None:
        pruned = batches = 0
        first_id: int | None = None
        pace = Budget(PRUNE_SHARE, pause_seconds_max=PRUNE_SECONDS)
        # Asked for each piece: a walk may take hours, and who wants to keep jobs for longer must not wait for its end.
        while (before := (await link.run(cutoffs())).before(dead_letters=walk.dead_letters)) is not None:
            walk = replace(walk, before=before)
            piece = await link.run(prune(self.worker_id, walk, TURN_SECONDS))
            pace.spend(link.took_seconds)
            pruned += piece.pruned
            batches += piece.batches
            first_id = first_id or piece.first_pruned_id
            if piece.is_last or not piece.has_turn or piece.last_id is None:
                break
            walk = replace(walk, behind_id=piece.last_id)
            await asyncio.sleep(max(pace.due_at - monotonic(), 0.0))
        if first_id is not None:
            self._floors[walk.dead_letters] = first_id - 1
        if pruned:
            what = "dead letters" if walk.dead_letters else "finished jobs"
            log.info("pruned %d %s and %d batches that ended before %s", pruned, what, batches, walk.before)
