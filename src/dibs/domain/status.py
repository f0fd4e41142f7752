"""What an operator asks first: how long is the line, and who works on it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """How many jobs of a queue stand where."""

    name: str
    ready: int
    scheduled: int
    running: int
    failed: int
    oldest_seconds: float | None
    """How long the oldest ready job has waited since it was enqueued; null: none is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """A registered worker."""

    id: int
    hostname: str
    pid: int
    version: str
    queues: tuple[str, ...]
    slots: int
    running: int
    started_at: datetime
    heartbeat_seconds: float
    """Seconds since its last heartbeat."""
    timeout_seconds: float
    """After so long without one, others take it for lost."""

    @property
    def is_alive(self) -> bool:
        """True when its last heartbeat is not too long ago."""
        return self.heartbeat_seconds < self.timeout_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Queues and workers at one moment."""

    queues: tuple[QueueStatus, ...]
    workers: tuple[WorkerStatus, ...]
