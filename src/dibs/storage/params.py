"""From values to the arrays that statements take."""

from collections.abc import Sequence
from typing import Any

import msgspec

from dibs.domain.job import NewJob
from dibs.domain.limits import ERROR_CHARACTERS_MAX, TRACEBACK_CHARACTERS_MAX
from dibs.domain.outcome import Ended
from dibs.domain.text import storable

TAG_SEPARATOR = "\x1f"
Columns = tuple[list[Any], ...]


def new_jobs(jobs: Sequence[NewJob], batch_id: int | None) -> Columns:
    """The parameters of `jobs/enqueue.sql`."""
    names = list({job.queue: None for job in jobs})
    place = {name: n for n, name in enumerate(names, start=1)}
    return (
        [job.task for job in jobs],
        [job.args_json for job in jobs],
        [place[job.queue] for job in jobs],
        [job.priority for job in jobs],
        [job.max_attempts for job in jobs],
        [job.timeout_seconds for job in jobs],
        [retry_json(job) for job in jobs],
        [job.run_at for job in jobs],
        [job.delay_seconds for job in jobs],
        [batch_id] * len(jobs),
        [_tags(job) for job in jobs],
        names,
    )


def new_job(job: NewJob) -> tuple[Any, ...]:
    """The parameters of `jobs/enqueue_one.sql`."""
    return (
        job.task,
        job.args_json,
        job.queue,
        job.priority,
        job.max_attempts,
        job.timeout_seconds,
        retry_json(job),
        _tags(job),
    )


def _tags(job: NewJob) -> str | None:
    return TAG_SEPARATOR.join(job.tags) or None


def retry_json(job: NewJob) -> str | None:
    """A job's own retry policy, as it is stored."""
    return msgspec.json.encode(job.retry).decode() if job.retry is not None else None


def endings(ended: Sequence[Ended]) -> Columns:
    """The parameters of `jobs/finish.sql`."""
    failures = [item.outcome.failure for item in ended]
    return (
        [item.job_id for item in ended],
        [item.token for item in ended],
        [item.outcome.verdict.value for item in ended],
        [item.outcome.delay_seconds for item in ended],
        [failure and storable(failure.error_type, 200) for failure in failures],
        [failure and storable(failure.message, ERROR_CHARACTERS_MAX) for failure in failures],
        [
            failure and failure.traceback and storable(failure.traceback, TRACEBACK_CHARACTERS_MAX, keep_end=True)
            for failure in failures
        ],
    )
