"""A worker's settings, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dibs.domain.errors import ConfigError
from dibs.domain.task import check_queue

PORT_MAX = 65_535
SLOTS_MAX = 10_000
"""Slots of one process: each is a coroutine that waits."""

STUCK_SECONDS_MIN = 3.0
"""Shorter than this is an ordinary hiccup of a server."""


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

    exit_when_stuck_seconds: float | None = None
    """When no job could be claimed and no ending recorded for so long, the process ends, for its supervisor to start
    another one. Default: it goes on trying for ever."""
    health_address: tuple[str, int] | None = None
    """Host and port where `GET /health` is answered; default: nowhere."""

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
        if self.exit_when_stuck_seconds is not None and self.exit_when_stuck_seconds < STUCK_SECONDS_MIN:
            raise ConfigError(
                f"a worker may be stuck for {STUCK_SECONDS_MIN:g} seconds at least before it ends, got "
                f"{self.exit_when_stuck_seconds}"
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


def parse_address(text: str) -> tuple[str, int]:
    """Read `8080` (this machine alone) or `0.0.0.0:8080`.

    Raises:
        ConfigError: It can not be read.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) <= PORT_MAX:
        raise ConfigError(f"expected a port, as in 8080 or 0.0.0.0:8080, got {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)
