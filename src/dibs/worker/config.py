"""A worker's settings, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dibs.domain.errors import ConfigError
from dibs.domain.task import check_queue

SLOTS_MAX = 10_000
"""Slots of one process: each is a coroutine that waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """What a worker process serves, and how long it waits for what.

    Raises:
        ConfigError: A setting that can not work.
    """

    queues: Mapping[str, int] = field(default_factory=lambda: {"default": 10})
    """Slots for each queue: how many of its jobs run at the same time in this process."""
    shutdown_seconds: float = 30.0
    """How long running jobs may go on after the first signal to stop. What still runs then is handed back."""
    heartbeat_seconds: float = 1.1
    """With what else an idle worker sends, this is less than one statement a second."""
    timeout_seconds: float = 30.0
    """Without a heartbeat for so long, others take the worker for lost and take its jobs back."""
    grace_seconds: float = 2.5
    """The same, when the worker's connection has ended too: a killed process is known this fast."""
    alarm_errors: int = 30
    """More failed attempts within a minute raise an alarm."""

    def __post_init__(self) -> None:
        if not self.queues:
            raise ConfigError("a worker serves at least one queue, got none")
        for queue, slots in self.queues.items():
            check_queue(queue)
            if not 1 <= slots <= SLOTS_MAX:
                raise ConfigError(f"queue {queue}: slots are from 1 to {SLOTS_MAX}, got {slots}")
        if not 0 < self.heartbeat_seconds * 2 <= self.grace_seconds < self.timeout_seconds:
            raise ConfigError(
                "a heartbeat must fit twice into the grace, and the grace into the time-out; got heartbeat "
                f"{self.heartbeat_seconds} s, grace {self.grace_seconds} s, time-out {self.timeout_seconds} s"
            )
        if self.shutdown_seconds < 0:
            raise ConfigError(f"shutdown takes zero seconds or more, got {self.shutdown_seconds}")

    @property
    def slots(self) -> int:
        """Slots of all queues together."""
        return sum(self.queues.values())


def parse_queues(text: str) -> dict[str, int]:
    """Read `documents:4,default:8`; a queue without a number gets 10 slots.

    Raises:
        ConfigError: It can not be read.
    """
    queues: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, slots = part.rpartition(":") if ":" in part else (part, ":", "10")
        if not slots.isdecimal():
            raise ConfigError(f"expected queues like documents:4,default:8, got {part!r}")
        if name in queues:
            raise ConfigError(f"queue {name} is named twice in {text!r}")
        queues[name] = int(slots)
    return queues
