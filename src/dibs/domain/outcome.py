"""How an attempt ends."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of a job after an attempt; the values are those that `finish.sql` takes."""

    SUCCEED = "s"
    FAIL = "f"
    CANCEL = "c"
    RETRY = "r"
    """Again after a delay; the attempt counts."""
    SNOOZE = "z"
    """Again after a delay; the attempt does not count."""
    DEFER = "u"
    """Again after a delay: this worker does not know the task, a newer one may; the attempt does not count."""
    HAND_BACK = "h"
    """Back in line, at once or after a delay: the worker will not run it; the attempt does not count."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in an attempt, as it is kept."""

    error_type: str
    message: str
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended."""

    verdict: Verdict
    delay_seconds: float = 0.0
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """An outcome with the lease it is presented with."""

    job_id: int
    token: int
    outcome: Outcome


SUCCEEDED = Outcome(Verdict.SUCCEED)
CANCELLED = Outcome(Verdict.CANCEL)
HANDED_BACK = Outcome(Verdict.HAND_BACK)
