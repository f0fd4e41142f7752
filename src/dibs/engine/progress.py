"""How far running jobs have come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dibs.domain.limits import MESSAGE_CHARACTERS_MAX
from dibs.domain.text import storable
from dibs.storage import statements
from dibs.storage.session import Operation

_BIGINT_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """What a running job says of itself, with its lease."""

    job_id: int
    token: int
    completed: int
    total: int | None
    message: str | None


def report_progress(reports: Sequence[ProgressReport]) -> Operation[None]:
    """Note progress; reports of jobs whose lease is no longer held change nothing."""
    yield statements.JOBS_REPORT_PROGRESS(
        [report.job_id for report in reports],
        [report.token for report in reports],
        [_stored(report.completed) for report in reports],
        [report.total and _stored(report.total) for report in reports],
        [report.message and storable(report.message, MESSAGE_CHARACTERS_MAX) for report in reports],
    )


def _stored(number: float) -> int:
    """What a bigint can hold of *number*: one job's odd report must not be the loss of the others'."""
    return int(max(min(number, _BIGINT_MAX), -_BIGINT_MAX))
