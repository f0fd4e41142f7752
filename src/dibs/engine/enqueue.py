"""Write jobs: in one statement, or by COPY when there are very many."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from dibs.domain.job import EnqueuedJob, NewJob
from dibs.domain.limits import COPY_ROWS_MIN, ENQUEUE_ROWS_MAX
from dibs.storage import params, statements
from dibs.storage.copy_text import field, line
from dibs.storage.session import Operation
from dibs.storage.statement import Copy, Query

_JOB_COLUMNS = (
    "id", "args", "queue_id", "priority", "max_attempts", "batch_id", "enqueued_at", "timeout_seconds", "task", "retry",
    "tags",
)  # fmt: skip
_READY_COLUMNS = ("job_id", "queue_id", "priority", "attempt", "lost", "batch_id")
_SCHEDULED_COLUMNS = ("job_id", "run_at", "attempt", "lost", "reason")

_Row = tuple[int, NewJob]


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
    [(ids, now)] = yield statements.JOBS_RESERVE_IDS(len(jobs))
    rows: list[_Row] = list(zip(ids, jobs, strict=True))
    due = [(job_id, job) for job_id, job in rows if _due_at(job, now) is None]
    yield Copy("job", _JOB_COLUMNS, _job_lines(rows, queue_ids, batch_id, now))
    if due:
        yield Copy("ready", _READY_COLUMNS, _ready_lines(due, queue_ids, batch_id))
        yield statements.QUEUES_WAKE(sorted({queue_ids[job.queue] for _, job in due}))
    if len(due) < len(rows):
        later = ((job_id, _due_at(job, now)) for job_id, job in rows)
        yield Copy(
            "scheduled", _SCHEDULED_COLUMNS, (line((*row, 0, 0, "delay")) for row in later if row[1] is not None)
        )
    return [job_id for job_id, _ in rows]


def _job_lines(
    rows: Sequence[_Row], queue_ids: Mapping[str, int], batch_id: int | None, now: datetime
) -> Iterator[str]:
    # Jobs of one task differ in their arguments; what they have in common is written once.
    common: dict[Hashable, str] = {}
    for job_id, job in rows:
        kind = (job.task, job.queue, job.priority, job.max_attempts, job.timeout_seconds, job.retry, job.tags)
        if kind not in common:
            common[kind] = line((
                queue_ids[job.queue], job.priority, job.max_attempts, batch_id, now, job.timeout_seconds, job.task,
                params.retry_json(job), job.tags or None,
            ))  # fmt: skip
        yield f"{job_id}\t{field(job.args_json)}\t{common[kind]}"


def _ready_lines(rows: Sequence[_Row], queue_ids: Mapping[str, int], batch_id: int | None) -> Iterator[str]:
    batch = field(batch_id)
    for job_id, job in rows:
        yield f"{job_id}\t{queue_ids[job.queue]}\t{job.priority}\t0\t0\t{batch}"


def _due_at(job: NewJob, now: datetime) -> datetime | None:
    if job.run_at is not None:
        return job.run_at if job.run_at > now else None
    if job.delay_seconds is not None and job.delay_seconds > 0:
        return now + timedelta(seconds=job.delay_seconds)
    return None
