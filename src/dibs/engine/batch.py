"""Sets of jobs that are written together and watched together."""

from collections.abc import Sequence
from uuid import UUID

from dibs.domain.batch import Batch, BatchProgress
from dibs.domain.job import NewJob
from dibs.engine.enqueue import enqueue
from dibs.storage import rows, statements
from dibs.storage.session import Operation


def create_batch(name: str, jobs: Sequence[NewJob]) -> Operation[Batch]:
    """Write a batch with its jobs; needs one transaction."""
    found = yield statements.BATCHES_CREATE(name, len(jobs))
    batch_id = int(found[0][0])
    enqueued = yield from enqueue(jobs, batch_id=batch_id)
    return Batch(id=batch_id, name=name, jobs=tuple(enqueued))


def batch_progress(batch_id: int) -> Operation[BatchProgress | None]:
    """How far the batch has come; nothing when there is no such batch."""
    found = yield statements.BATCHES_PROGRESS(batch_id)
    return rows.batch_progress(found[0]) if found else None


def watch_batch(batch_id: int, watcher: UUID, keep_seconds: float) -> Operation[None]:
    """Have changes of the batch announced for *keep_seconds*."""
    yield statements.BATCHES_WATCH(batch_id, watcher, keep_seconds)


def unwatch_batch(batch_id: int, watcher: UUID) -> Operation[None]:
    """No longer have changes announced for this watcher."""
    yield statements.BATCHES_UNWATCH(batch_id, watcher)
