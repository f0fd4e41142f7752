"""Jobs whose worker was lost while it held them: one of them may be what kills workers.

Most are not: a killed worker had hundreds in hand that had not even begun. So a process begins with a single suspect,
and with each one that comes to its end it dares one more at the same time. Should one of them kill it after all, the
others are lost a second time, and from then on each runs while no other suspect does. So does one at its last attempt,
from the beginning: nobody is taken along into failure.
"""

from collections.abc import Iterable
from time import monotonic
from typing import Final

from dibs.domain.job import ClaimedJob

SUSPECT_SECONDS: Final = 5.0
"""A suspect that runs for so long without killing its worker does not keep the next one waiting: most that kill do so
within seconds."""

TRUST_SECONDS: Final = 60.0
"""So long after the last suspect began, the next ones come from another death, and trust begins anew."""


class Suspects:
    """The suspects that a process holds, and how many it dares to hold."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._is_alone = False
        self._trust = 1
        self._admitted_at = -TRUST_SECONDS

    def admits(self, job: ClaimedJob) -> bool:
        """Take this suspect in, if it may begin now."""
        now = monotonic()
        since = now - self._admitted_at
        must_be_alone = job.lost > 1 or job.attempt >= job.max_attempts
        if self._held and (
            self._is_alone or must_be_alone or (len(self._held) >= self._trust and since < SUSPECT_SECONDS)
        ):
            return False
        if since >= TRUST_SECONDS:
            self._trust = 1
        self._held.add(job.id)
        self._is_alone = must_be_alone
        self._admitted_at = now
        return True

    def ended(self, job: ClaimedJob) -> None:
        """It came to its end, and the process lives."""
        if job.id in self._held:
            self._held.remove(job.id)
            self._trust += 1

    def forget(self, jobs: Iterable[ClaimedJob]) -> None:
        """These are not held any more, and have not begun."""
        self._held.difference_update(job.id for job in jobs)
