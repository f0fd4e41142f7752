"""Cancel jobs, and retry those that have ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dibs.storage import statements
from dibs.storage.session import Operation

_LOOKS: Final = 5
"""A job is missed only while it moves from one table to another in a transaction of a few milliseconds. To miss it
five times in a row, it would have to move at each look."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a wish to cancel came to."""

    ended: tuple[int, ...]
    """Jobs that waited, and are cancelled now."""
    requested: tuple[int, ...]
    """Jobs that run; their workers were asked to stop them."""


def cancel(job_ids: Sequence[int]) -> Operation[Cancelled]:
    """Cancel jobs that wait, and ask for the end of those that run. Jobs that have ended are left alone."""
    return (yield from _cancel(job_ids, wished_only=False))


def cancel_missed() -> Operation[None]:
    """Cancel what was asked to be cancelled and slipped back into the line, unless it was retried since."""
    missed = yield statements.JOBS_MISSED_CANCELS()
    if missed:
        yield from _cancel([row[0] for row in missed], wished_only=True)


def _cancel(job_ids: Sequence[int], *, wished_only: bool) -> Operation[Cancelled]:
    ended: list[int] = []
    requested: list[int] = []
    missing = sorted(set(job_ids))
    for _ in range(_LOOKS):
        found = yield statements.JOBS_CANCEL(missing, wished_only)
        ended += [row[0] for row in found if row[1] == "cancelled"]
        requested += [row[0] for row in found if row[1] == "requested"]
        seen = {*ended, *requested}
        rest = [id_ for id_ in missing if id_ not in seen]
        if not rest:
            break
        still_there = yield statements.JOBS_GET(rest)
        missing = [row[0] for row in still_there if row[3] not in {"succeeded", "failed", "cancelled"}]
        if not missing:
            break
    return Cancelled(tuple(ended), tuple(requested))


def retry(job_ids: Sequence[int]) -> Operation[list[int]]:
    """Put failed and cancelled jobs in line again, and scheduled ones in line now; gives those that were."""
    found = yield statements.JOBS_RETRY(sorted(set(job_ids)))
    return [row[0] for row in found]
