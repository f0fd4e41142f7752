"""What a task may say of its progress."""

from contextlib import nullcontext
from decimal import Decimal

import pytest

from dibs.domain.errors import NotRunningError
from dibs.domain.job import ClaimedJob
from dibs.engine.progress import ProgressReport
from dibs.worker.current import CurrentJob
from dibs.worker.transaction import Lender

LENDER = Lender(dsn="", schema="dibs", pooled=nullcontext)


@pytest.fixture
def reports() -> list[ProgressReport]:
    return []


@pytest.fixture
def job(reports: list[ProgressReport]) -> CurrentJob:
    claimed = ClaimedJob(7, 70, 1, 0, 2, 0, "task", "{}", 3, None, None, None)
    return CurrentJob(claimed, "default", 1, reports.append, LENDER)


def test_a_report_carries_the_lease(job: CurrentJob, reports: list[ProgressReport]):
    job.progress(1, 4, "a quarter")
    assert reports == [ProgressReport(7, 70, 1, 4, "a quarter")]


@pytest.mark.parametrize("args", [(1.5,), ("1",), (Decimal(1),), (1, 2.0), (1, 2, b"done"), (float("nan"),)])
def test_what_is_no_progress_is_refused_in_the_task_that_says_it(
    job: CurrentJob, reports: list[ProgressReport], args: tuple
):
    with pytest.raises(TypeError):
        job.progress(*args)
    assert reports == []


def test_attempts_are_counted_from_one_and_the_last_one_is_known(job: CurrentJob):
    assert (job.attempt, job.attempts_left, job.is_last_attempt) == (2, 1, False)


def test_a_job_that_has_ended_has_no_second_transaction(job: CurrentJob):
    job.is_over = True
    with pytest.raises(NotRunningError, match="has ended with its first transaction"):
        job.transaction()
