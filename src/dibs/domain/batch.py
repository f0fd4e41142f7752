"""Sets of jobs with a progress of their own."""

from dataclasses import dataclass
from datetime import datetime

from dibs.domain.job import EnqueuedJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch that was written together with its jobs."""

    id: int
    name: str
    jobs: tuple[EnqueuedJob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """How far a batch has come."""

    id: int
    name: str
    total: int
    succeeded: int
    failed: int
    cancelled: int
    running: int
    """Jobs that a worker has claimed; short ones are claimed a little before they begin."""
    created_at: datetime

    @property
    def finished(self) -> int:
        """Jobs that have ended, whatever the outcome."""
        return self.succeeded + self.failed + self.cancelled

    @property
    def waiting(self) -> int:
        """Jobs that are in line or scheduled. Counted from the others, so a moment's overlap shows as zero."""
        return max(self.total - self.finished - self.running, 0)

    @property
    def is_finished(self) -> bool:
        """True when every job has ended."""
        return self.finished >= self.total
