"""Where in line a claim begins."""

from collections.abc import Sequence
from time import monotonic
from typing import Final

from dibs.domain.job import ClaimedJob
from dibs.engine.claim import Floor
from dibs.worker.budget import Budget

HEAD_SECONDS: Final = 1.0
"""Claims begin where the last one ended; at least this often one begins at the head of the line, where jobs that were
retried, rescued or committed late are found."""

FLOORS_MAX: Final = 32
"""Priorities of one queue that are remembered."""


class Floors:
    """What a worker remembers of how far it has claimed, for each queue and priority."""

    def __init__(self, queues: int) -> None:
        self._max = FLOORS_MAX * queues
        self._floors: dict[tuple[int, int], Floor] = {}
        self._reached: dict[tuple[int, int], Floor] = {}
        self._is_told = False
        self._came_short = True
        self._head = Budget()

    def hints(self) -> Sequence[Floor]:
        """Where to begin, best priority first, as the statement expects them."""
        return tuple(self._floors.values())

    def tell(self) -> None:
        """There are jobs in line, perhaps below the floors."""
        self._is_told = True

    @property
    def is_told(self) -> bool:
        """True when somebody told of jobs since the last claim from the head."""
        return self._is_told

    @property
    def is_head_due(self) -> bool:
        """True when the next claim is to begin at the head."""
        if self._is_told or not self._floors:
            return True
        return monotonic() >= self._head.due_at + (0.0 if self._came_short else HEAD_SECONDS)

    def begin_at_head(self) -> None:
        """The next claim is one from the head: what was told of, it will find."""
        self._is_told = False

    def claimed_at_head(self, seconds: float) -> None:
        """It took so long."""
        self._head.spend(seconds)

    def claimed(self, jobs: Sequence[ClaimedJob], wanted: int) -> None:
        """Go on behind *jobs*, which come in the order of their ids within a priority; *wanted* were asked for.

        A claim from the head may find jobs that went back, far below where others had come to; there are more behind
        them as long as it finds all that it wants. When it does not, claims go on where they had been before.
        """
        self._came_short = len(jobs) < wanted
        is_new = False
        for key, job_id in {(job.queue_id, job.priority): job.id for job in jobs}.items():
            behind = Floor(*key, job_id + 1)
            is_new = is_new or key not in self._floors
            self._floors[key] = behind
            if key not in self._reached or self._reached[key].job_id < behind.job_id:
                self._reached[key] = behind
        if is_new:
            best = sorted(self._reached, key=lambda key: (key[0], -key[1]))[: self._max]
            self._floors = {key: self._floors[key] for key in best}
            self._reached = {key: self._reached[key] for key in best}
        if self._came_short:
            self._floors = dict(self._reached)
