"""Write jobs: in one statement, or by COPY when there are very many."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dibs.domain.job import EnqueuedJob, NewJob
from dibs.domain.limits import COPY_ROWS_MIN, ENQUEUE_ROWS_MAX
from dibs.storage import params, statements
from dibs.storage.session import Operation
from dibs.storage.statement import Copy, Query

_JOB_COLUMNS = (
    "id", "queue_id", "priority", "max_attempts", "batch_id", "enqueued_at",
    "timeout_seconds", "task", "args", "retry", "tags",
)  # fmt: skip
_READY_COLUMNS = ("job_id", "queue_id", "priority", "attempt", "lost", "batch_id")
_SCHEDULED_COLUMNS = ("job_id", "run_at", "attempt", "lost", "reason")


def enqueue(jobs: Sequence[NewJob], *, batch_id: int | None = None) -> Operation[list[EnqueuedJob]]:
    """Write *jobs* and give their ids, in the same order. With more than one statement, all need one transaction."""
    if len(jobs) >= COPY_ROWS_MIN:
        ids = yield from _copy(jobs, batch_id)
    elif len(jobs) == 1 and batch_id is None and _is_due(jobs[0]):
        ids = yield from _write(statements.JOBS_ENQUEUE_ONE(*params.new_job(jobs[0])), jobs)
    else:
        ids = []
        for start in range(0, len(jobs), ENQUEUE_ROWS_MAX):
            chunk = jobs[start : start + ENQUEUE_ROWS_MAX]
            ids += yield from _write(statements.JOBS_ENQUEUE(*params.new_jobs(chunk, batch_id)), chunk)
    return [EnqueuedJob(id=id_, task=job.task, queue=job.queue) for id_, job in zip(ids, jobs, strict=True)]


def _is_due(job: NewJob) -> bool:
    return job.run_at is None and job.delay_seconds is None


def _write(query: Query, jobs: Sequence[NewJob]) -> Operation[list[int]]:
    rows = yield query
    if not rows:
        # Only the first job of a queue finds that there is none of its name.
        yield statements.QUEUES_ENSURE(sorted({job.queue for job in jobs}))
        rows = yield query
    return [row[0] for row in rows]


def _copy(jobs: Sequence[NewJob], batch_id: int | None) -> Operation[list[int]]:
    queue_rows = yield statements.QUEUES_ENSURE(sorted({job.queue for job in jobs}))
    queue_ids = {name: id_ for id_, name in queue_rows}
    reserved = yield statements.JOBS_RESERVE_IDS(len(jobs))
    ids: list[int] = [row[0] for row in reserved]
    now: datetime = reserved[0][1]
    written, in_line, later = [], [], []
    for id_, job in zip(ids, jobs, strict=True):
        queue_id = queue_ids[job.queue]
        written.append((
            id_, queue_id, job.priority, job.max_attempts, batch_id, now, job.timeout_seconds,
            job.task, job.args_json, params.retry_json(job), list(job.tags) or None,
        ))  # fmt: skip
        due_at = _due_at(job, now)
        if due_at is None:
            in_line.append((id_, queue_id, job.priority, 0, 0, batch_id))
        else:
            later.append((id_, due_at, 0, 0, "delay"))
    yield Copy("job", _JOB_COLUMNS, written)
    if in_line:
        yield Copy("ready", _READY_COLUMNS, in_line)
        yield statements.QUEUES_WAKE(sorted({row[1] for row in in_line}))
    if later:
        yield Copy("scheduled", _SCHEDULED_COLUMNS, later)
    return ids


def _due_at(job: NewJob, now: datetime) -> datetime | None:
    if job.run_at is not None:
        return job.run_at if job.run_at > now else None
    if job.delay_seconds is not None and job.delay_seconds > 0:
        return now + timedelta(seconds=job.delay_seconds)
    return None
