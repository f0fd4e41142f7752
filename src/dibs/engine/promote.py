"""Put scheduled jobs in line when their time has come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dibs.storage import statements
from dibs.storage.session import Operation

PROMOTE_ROWS: Final = 2_000
"""Jobs promoted in one statement: large enough to keep up with a burst, small enough not to hold up a claim."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a promotion did."""

    count: int
    next_due_seconds: float | None
    """Until the next job is due; null: none is scheduled."""
    done_until: datetime
    """What was due until then has been promoted."""


def promote(since: datetime | None = None) -> Operation[Promoted]:
    """Promote what is due, and was not due before *since*, up to `PROMOTE_ROWS` jobs."""
    found = yield statements.JOBS_PROMOTE(PROMOTE_ROWS, since)
    return Promoted(*found[0][:3])
