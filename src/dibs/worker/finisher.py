"""Endings and progress that wait to be recorded.

They are gathered and sent with the next claim, or a few milliseconds later when no claim goes out. What is gathered is
bounded: when the database does not take it, slots wait before they take another job.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import SUCCEEDED, Ended, Outcome
from dibs.engine.progress import ProgressReport

FLUSH_SECONDS: Final = 0.01
"""An ending waits this long at most for a claim to travel with."""

FLUSH_ROWS: Final = 500
"""Endings that are worth a round trip of their own."""

BACKLOG_MAX: Final = 5_000
"""Endings that may wait while the database does not take them."""

PROGRESS_SECONDS: Final = 0.2
"""Progress is written this often at most; of several reports of a job only the last one counts."""


class Finisher:
    """Gathers what the next round trip is to record."""

    def __init__(self) -> None:
        self.notify: Callable[[], None] = lambda: None
        """Called when something has become due, or when a slot runs out of jobs."""
        self.is_full = False
        """True while too many endings wait."""
        self._successes: list[ClaimedJob] = []
        self._others: list[Ended] = []
        self._progress: dict[int, ProgressReport] = {}
        self._endings_due_at: float | None = None
        self._progress_due_at: float | None = None
        self._room = asyncio.Event()
        self._room.set()

    def add(self, job: ClaimedJob, outcome: Outcome) -> None:
        """Take an ending. What the job last said of its progress goes out before it, while the lease is still held."""
        if job.id in self._progress:
            self._progress_due_at = 0.0
        if outcome is SUCCEEDED:
            self._successes.append(job)
        else:
            self._others.append(Ended(job.id, job.token, outcome))
        if self._endings_due_at is None:
            self._endings_due_at = monotonic() + FLUSH_SECONDS
            self.notify()
            return
        gathered = len(self._successes) + len(self._others)
        if gathered == FLUSH_ROWS:
            self._endings_due_at = 0.0
            self.notify()
        elif gathered >= BACKLOG_MAX:
            self.is_full = True
            self._room.clear()

    def report(self, report: ProgressReport) -> None:
        """Take a report of progress, in place of an earlier one of the same job."""
        self._progress[report.job_id] = report
        if self._progress_due_at is None:
            self._progress_due_at = monotonic() + PROGRESS_SECONDS
            self.notify()

    async def room(self) -> None:
        """Wait while too many endings wait."""
        await self._room.wait()

    def due_in(self) -> float | None:
        """Seconds until something must be recorded; null: nothing waits."""
        due_at = min((at for at in (self._endings_due_at, self._progress_due_at) if at is not None), default=None)
        return None if due_at is None else max(due_at - monotonic(), 0.0)

    def take_successes(self) -> list[ClaimedJob]:
        """The successes to record now; give them back with `put_back` if that does not work."""
        taken, self._successes = self._successes, []
        return taken

    def take_others(self) -> list[Ended]:
        """The other endings to record now."""
        taken, self._others = self._others, []
        return taken

    def take_progress(self) -> list[ProgressReport]:
        """The progress to record now; empty before it is due."""
        if self._progress_due_at is None or self._progress_due_at > monotonic():
            return []
        taken, self._progress = list(self._progress.values()), {}
        self._progress_due_at = None
        return taken

    def put_back(self, successes: list[ClaimedJob], others: list[Ended]) -> None:
        """They could not be recorded; keep them for the next round trip."""
        self._successes[:0] = successes
        self._others[:0] = others

    def flushed(self) -> None:
        """What was taken has been recorded."""
        waiting = len(self._successes) + len(self._others)
        self._endings_due_at = monotonic() + FLUSH_SECONDS if waiting else None
        if waiting < BACKLOG_MAX:
            self.is_full = False
            self._room.set()

    @property
    def is_empty(self) -> bool:
        """True when no ending waits."""
        return not (self._successes or self._others)

    def tokens(self) -> list[int]:
        """The tokens of the endings that wait."""
        return [*(job.token for job in self._successes), *(item.token for item in self._others)]
