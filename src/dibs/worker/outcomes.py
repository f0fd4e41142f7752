"""The outcomes of attempts that went wrong."""

import logging
import random
import traceback
from typing import Final

import msgspec

from dibs.domain.errors import ArgumentsError, Snooze
from dibs.domain.job import ClaimedJob
from dibs.domain.limits import DELAY_SECONDS_MAX
from dibs.domain.outcome import Failure, Outcome, Verdict
from dibs.domain.retry import Retry
from dibs.domain.task import TaskSpec

log = logging.getLogger("dibs.job")

UNKNOWN_TASK_SECONDS: Final = 15.0
"""A job whose task this worker does not know comes back after so long: a newer worker may be about to start."""


def of_error(job: ClaimedJob, spec: TaskSpec, error: BaseException) -> Outcome:
    """The task raised *error*: again by its retry policy, or a dead letter; or later, when it asked for that."""
    if isinstance(error, Snooze):
        return Outcome(Verdict.SNOOZE, max(error.delay_seconds, 0.0))
    failure = _describe(error)
    is_expected = isinstance(error, ArgumentsError) or spec.is_permanent(error)
    if is_expected or job.attempt >= job.max_attempts:
        log.error("failed: %s: %s", failure.error_type, failure.message, exc_info=None if is_expected else error)
        return Outcome(Verdict.FAIL, failure=failure)
    # Written by other means than dibs, a policy may hold what Postgres can not add to a moment; that would fail the
    # statement that carries the endings of other jobs, too.
    delay = min(_retry(job, spec).delay(job.attempt, random.random), DELAY_SECONDS_MAX)
    log.warning("attempt %d of %d failed, next in %.1f s: %s: %s", job.attempt, job.max_attempts, delay,
                failure.error_type, failure.message)  # fmt: skip
    return Outcome(Verdict.RETRY, delay, failure)


def of_unknown_task(job: ClaimedJob) -> Outcome:
    """No task of this worker's app has that name."""
    delay = UNKNOWN_TASK_SECONDS * (1 + random.random())  # noqa: S311 - jitter
    log.error("no task is named %r in this worker's app; the job comes back in %.0f s, for a worker that knows it",
              job.task, delay)  # fmt: skip
    return Outcome(Verdict.DEFER, delay)


def _retry(job: ClaimedJob, spec: TaskSpec) -> Retry:
    """The job's own policy, or its task's."""
    if job.retry_json is None:
        return spec.retry
    try:
        return msgspec.json.decode(job.retry_json, type=Retry)
    except msgspec.DecodeError as error:  # written by other means than dibs
        log.warning("the job's retry policy can not be read (%s); its task's is used", error)
        return spec.retry


def _describe(error: BaseException) -> Failure:
    """What is kept of an error, even of one that can not describe itself."""
    name = type(error).__name__
    try:
        return Failure(name, str(error), "".join(traceback.format_exception(error)))
    except Exception as second:  # noqa: BLE001 - an error's own code may do anything
        return Failure(name, f"its description raised {type(second).__name__}")
