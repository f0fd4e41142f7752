"""From rows to values: the only place where columns meet attributes."""

from typing import Any

import msgspec

from dibs.domain.batch import BatchProgress
from dibs.domain.job import ClaimedJob, Job, JobProgress
from dibs.domain.limits import MESSAGE_CHARACTERS_MAX
from dibs.domain.sealing import SEAL, is_sealed
from dibs.domain.state import JobState
from dibs.domain.status import QueueStatus, WorkerStatus
from dibs.domain.text import storable
from dibs.storage.session import Row


def claimed_job(row: Row) -> ClaimedJob:
    """A row of `jobs/claim.sql`."""
    return ClaimedJob(*row[:12])


def job(row: Row) -> Job:
    """A row of `jobs/get.sql` and `jobs/list.sql`."""
    error_type, message = row[19], row[20]
    return Job(
        id=row[0],
        task=row[1],
        queue=row[2],
        state=JobState(row[3]),
        attempt=row[4],
        max_attempts=row[5],
        priority=row[6],
        args=_arguments(row[7]),
        tags=tuple(row[8] or ()),
        batch_id=row[9],
        enqueued_at=row[10],
        run_at=row[11],
        started_at=row[12],
        finished_at=row[13],
        worker_id=row[14],
        reason=row[15],
        progress=None if row[16] is None else JobProgress(completed=row[16], total=row[17], message=row[18]),
        error=None if error_type is None else f"{error_type}: {message}".splitlines()[0],
        traceback=row[21],
    )


def batch_progress(row: Row) -> BatchProgress:
    """A row of `batches/progress.sql`."""
    return BatchProgress(
        id=row[0],
        name=row[1],
        total=row[2],
        succeeded=row[3],
        failed=row[4],
        cancelled=row[5],
        running=row[6],
        created_at=row[7],
    )


def queue_status(row: Row) -> QueueStatus:
    """A row of `queues/status.sql`."""
    return QueueStatus(
        name=row[0], ready=row[1], scheduled=row[2], running=row[3], failed=row[4], oldest_seconds=row[5]
    )


def worker_status(row: Row) -> WorkerStatus:
    """A row of `workers/list.sql`."""
    return WorkerStatus(
        id=row[0],
        hostname=row[1],
        pid=row[2],
        version=row[3],
        queues=tuple(row[4]),
        slots=row[5],
        running=row[6],
        started_at=row[7],
        heartbeat_seconds=row[8],
        timeout_seconds=row[9],
    )


def _arguments(encoded: str) -> dict[str, Any]:
    """Arguments for people to read; written by other means than dibs, they may be any JSON."""
    try:
        decoded = msgspec.json.decode(encoded)
    except (
        ValueError,
        RecursionError,
    ):  # what Postgres takes for JSON and a decoder does not, as 1e999
        return {"": storable(encoded, MESSAGE_CHARACTERS_MAX)}
    if is_sealed(decoded):
        return {SEAL: True}
    return decoded if isinstance(decoded, dict) else {"": decoded}
