"""Workers come, say that they live, and go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dibs.engine.cancel import cancel_missed
from dibs.storage import statements
from dibs.storage.session import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a worker tells of itself."""

    hostname: str
    pid: int
    version: str
    queue_ids: Sequence[int]
    slots: int
    timeout_seconds: float
    holds_lock: bool = True
    """Whether it is going to hold its advisory lock."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a heartbeat brings back."""

    next_due_seconds: float | None
    """Until the next scheduled job is due; negative: overdue; null: none is scheduled."""
    has_waiting_jobs: bool
    """Jobs are in line although the worker sleeps: a notification went astray."""
    has_suspects: bool
    """Other workers look dead."""
    is_untidy: bool
    """There are counts to fold, wishes to forget."""
    cancelled: Sequence[int]
    """Jobs this worker runs that are to be cancelled."""
    at: datetime
    """When it was, by the database's clock."""


def ensure_queues(names: Sequence[str]) -> Operation[dict[str, int]]:
    """The ids of queues by name, made where they are new."""
    found = yield statements.QUEUES_ENSURE(list(names))
    return {name: id_ for id_, name in found}


def register(new: Registration) -> Operation[int]:
    """Register a worker and give its id."""
    found = yield statements.WORKERS_REGISTER(
        new.hostname, new.pid, new.version, list(new.queue_ids), new.slots, new.timeout_seconds, new.holds_lock
    )
    return int(found[0][0])


def deregister(worker_id: int) -> Operation[None]:
    """Forget a worker that stops."""
    yield statements.WORKERS_DEREGISTER(worker_id)


def hold(worker_id: int) -> Operation[bool]:
    """Take the lock that shows that the worker's process is there; tells whether it was free."""
    found = yield statements.WORKERS_HOLD(worker_id)
    return bool(found[0][0])


def heartbeat(
    worker_id: int, *, holds_lock: bool, grace_seconds: float, since: datetime | None = None
) -> Operation[Heartbeat | None]:
    """Say that the worker lives; nothing comes back when it has been given up.

    With *since*, it costs little even while the heads of the schedule and of the line are full of dead rows.
    """
    found = yield statements.WORKERS_HEARTBEAT(worker_id, holds_lock, grace_seconds, since)
    return Heartbeat(*found[0]) if found else None


def set_asleep(worker_id: int, *, asleep: bool) -> Operation[None]:
    """From now on the worker is notified of new jobs, or is not."""
    yield statements.WORKERS_SET_ASLEEP(worker_id, asleep)


def tidy() -> Operation[None]:
    """Fold the counts of batches, cancel what slipped through, and forget what nobody needs any more."""
    yield statements.BATCHES_FOLD()
    yield from cancel_missed()
    yield statements.WORKERS_TIDY()
