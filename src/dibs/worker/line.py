"""What a worker holds of one queue: claimed jobs that wait for a slot, and slots that wait for a job."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Final

from dibs.domain.job import ClaimedJob
from dibs.worker.suspects import Suspects

AHEAD_SECONDS: Final = 0.04
"""How much work is claimed ahead of the slots: what is eaten during about two round trips."""

AHEAD_MAX: Final = 1000
"""Jobs claimed ahead at most, so that a hand-back at shutdown stays one statement."""

LONG_SECONDS: Final = 1.0
"""When jobs take this long on average, none is claimed ahead: it would wait here while another worker is free."""

_WEIGHT: Final = 0.2
"""Of the newest measurement, in the moving averages."""


class Line:
    """The jobs of one queue in this process."""

    def __init__(self, name: str, slots: int, suspects: Suspects) -> None:
        self.queue_id = 0
        """Known once the worker is registered."""
        self.name = name
        self.slots = slots
        self.running = 0
        self._waiting: deque[ClaimedJob] = deque()
        self._suspects = suspects
        self._held_back = False
        self._hungry: deque[asyncio.Future[None]] = deque()
        self._mean_seconds = 0.0
        self._rate = 0.0
        self._measured_at = monotonic()
        self._ended = 0
        self._ended_ever = 0
        self._ended_before = 0
        self._ahead = 0
        self._low = 0

    def wanted(self) -> int:
        """How many jobs to claim now; zero while what is here lasts for a while, or none is to be started."""
        if self._held_back:
            return 0
        behind = self._behind()
        return max(self._ahead - behind, 0) if behind <= self._low else 0

    def sort_out(self, jobs: list[ClaimedJob]) -> tuple[list[ClaimedJob], list[tuple[ClaimedJob, float]]]:
        """Which of the claimed jobs to keep, and which suspects to hand back before any of the others begins.

        With each of the latter, in how many seconds it is to come back.
        """
        kept, too_many = [], []
        for job in jobs:
            if job.lost and not self._suspects.admits(job):
                too_many.append((job, self._suspects.pause_seconds()))
            else:
                kept.append(job)
        return kept, too_many

    def put(self, jobs: list[ClaimedJob]) -> None:
        """Add claimed jobs and wake a slot for them."""
        self._waiting.extend(jobs)
        self.feed(1)

    def next(self) -> ClaimedJob | None:
        """The next job to run, if one waits."""
        if not self._waiting or self._held_back:
            return None
        self.running += 1
        return self._waiting.popleft()

    async def take(self) -> ClaimedJob:
        """The next job to run; waits for one."""
        while (job := self.next()) is None:
            hungry = asyncio.get_running_loop().create_future()
            self._hungry.append(hungry)
            try:
                await hungry
            except asyncio.CancelledError:
                hungry.cancel()
                self.feed(1)  # the job it was woken for goes to another slot
                raise
        return job

    def ended(self, job: ClaimedJob, seconds: float) -> bool:
        """A job's attempt is over, after *seconds*. Tells whether it is time to claim more."""
        self.running -= 1
        self._ended += 1
        self._ended_ever += 1
        if job.lost:
            self._suspects.ended(job)
        self._mean_seconds += _WEIGHT * (seconds - self._mean_seconds)
        return self._behind() <= self._low

    def take_back_stranded(self) -> list[ClaimedJob]:
        """Give up the jobs that wait behind long ones, which short ones before them did not let expect.

        Called now and then: when all slots are taken and none has come free since the last time, others should have
        what waits here.
        """
        before, self._ended_before = self._ended_before, self._ended_ever
        if before != self._ended_ever or self.running < self.slots or not self._waiting:
            return []
        self._rate = 0.0
        self._ahead = self._low = 0
        return self.take_back()

    def take_back(self) -> list[ClaimedJob]:
        """Give up all jobs that wait here."""
        jobs = list(self._waiting)
        self._waiting.clear()
        self.forget(jobs)
        return jobs

    def forget(self, jobs: Sequence[ClaimedJob]) -> None:
        """These jobs are not held any more."""
        self._suspects.forget(jobs)

    def held(self) -> list[ClaimedJob]:
        """The jobs that wait here."""
        return list(self._waiting)

    @property
    def is_busy(self) -> bool:
        """True while it has jobs, be it that they run or are about to."""
        return bool(self.running or self._waiting)

    def hold_back(self, *, held_back: bool) -> None:
        """Start no more jobs for now, or go on."""
        self._held_back = held_back
        self.feed(1)

    def measure(self) -> None:
        """Note how fast jobs end; called with each round trip."""
        now = monotonic()
        elapsed = now - self._measured_at
        if elapsed >= AHEAD_SECONDS / 4:
            self._rate += 0.5 * (self._ended / elapsed - self._rate)
            self._ended = 0
            self._measured_at = now
            is_long = self._mean_seconds >= LONG_SECONDS
            self._ahead = 0 if is_long else min(int(self._rate * AHEAD_SECONDS), AHEAD_MAX)
            self._low = self._ahead * 3 // 4

    def feed(self, slots: int = 2) -> None:
        """Wake slots for jobs that wait.

        One is woken when jobs come, and two more by each slot whose job makes it wait. So short jobs, which never wait,
        are all run by one slot, and waking the others costs nothing; long ones have all slots in a few turns.
        """
        startable = 0 if self._held_back else min(len(self._waiting), slots)
        while startable and self._hungry:
            hungry = self._hungry.popleft()
            if not hungry.done():
                hungry.set_result(None)
                startable -= 1

    def _behind(self) -> int:
        """Jobs that wait behind those that free slots are about to take; negative: slots that nothing is here for."""
        return len(self._waiting) - (self.slots - self.running)
