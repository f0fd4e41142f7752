"""How a batch and its jobs are shown to the people who uploaded files."""

from collections.abc import Sequence
from dataclasses import dataclass

from dibs import BatchProgress, Job, JobState
from dibs_ingest import errors

_FOR_USERS = tuple(
    f"{error.__name__}: " for error in (errors.UnusableDocumentError, errors.ParserError, errors.EmbeddingError)
)
#: What went wrong is in the job and in the log; here it could name paths and hosts.
INTERNAL = "Something went wrong on our side."
_KNOWN = {
    "JobTimeout": "It took too long.",
    "WorkerLost": "The process that worked on it was lost.",
}
#: Where an earlier attempt got, before it failed or was cancelled, is no news.
_TOLD = {state for state in JobState if not state.is_final} | {JobState.SUCCEEDED}
_WILL_RETRY = "It will be tried again."


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One file on its way."""

    task_id: int
    filename: str
    state: str
    #: Attempts begun so far.
    attempt: int
    chunks_done: int
    #: Null until the file has been read.
    chunks_total: int | None
    message: str | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A batch in numbers."""

    total: int
    succeeded: int
    failed: int
    cancelled: int
    running: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch: `queued`, then `running`, then `finished`."""

    batch_id: int
    status: str
    counts: Counts
    tasks: list[TaskView]


def task_view(job: Job) -> TaskView:
    """Show *job* without telling anything about the server."""
    progress = job.progress
    return TaskView(
        task_id=job.id,
        filename=str(job.args["filename"]),
        state=job.state.value,
        attempt=job.attempt,
        chunks_done=progress.completed if progress else 0,
        chunks_total=progress.total if progress else None,
        message=progress.message if progress and job.state in _TOLD else None,
        error=_error(job),
    )


def batch_view(progress: BatchProgress, jobs: Sequence[Job]) -> BatchView:
    """Show a batch with those of its jobs that are of interest."""
    return BatchView(
        batch_id=progress.id,
        status=_status(progress),
        counts=Counts(
            total=progress.total,
            succeeded=progress.succeeded,
            failed=progress.failed,
            cancelled=progress.cancelled,
            running=progress.running,
            waiting=progress.waiting,
        ),
        tasks=[task_view(job) for job in sorted(jobs, key=lambda job: job.id)],
    )


def _status(progress: BatchProgress) -> str:
    if progress.is_finished:
        return "finished"
    return "queued" if progress.waiting == progress.total else "running"


def _error(job: Job) -> str | None:
    # An attempt that runs, or that succeeded, has made up for the errors before it.
    if job.error is None or job.state in {JobState.RUNNING, JobState.SUCCEEDED}:
        return None
    words = next((job.error.removeprefix(prefix) for prefix in _FOR_USERS if job.error.startswith(prefix)), None)
    if words is None:
        words = _KNOWN.get(job.error.partition(":")[0], INTERNAL)
    return words if job.state.is_final else f"{words} {_WILL_RETRY}"
