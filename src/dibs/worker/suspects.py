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

PAUSE_SECONDS: Final = 0.1
"""One that must wait stays away for so long at least, and may come back to a worker that has none."""

PAUSE_SECONDS_MAX: Final = 10.0
"""And for so long at most: another worker may be free for it."""

GAP_SECONDS: Final = 0.01
"""Between two that come back, at least: each brings a round trip of its own."""


class Suspects:
    """The suspects that a process holds, and how many it dares to hold."""

    def __init__(self) -> None:
        # With its token: a job may be claimed anew before the run that its worker lost has come to its end.
        self._held: set[tuple[int, int]] = set()
        self._is_alone = False
        self._trust = 1
        self._admitted_at = -TRUST_SECONDS
        self._mean_seconds = 0.0
        self._next_at = 0.0

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
            self._mean_seconds = 0.0
        self._held.add((job.id, job.token))
        self._is_alone = must_be_alone
        self._admitted_at = now
        return True

    def ended(self, job: ClaimedJob) -> None:
        """It came to its end, and the process lives."""
        if (key := (job.id, job.token)) in self._held:
            self._held.remove(key)
            self._trust += 1
            seconds = min(monotonic() - self._admitted_at, SUSPECT_SECONDS)
            self._mean_seconds += 0.5 * (seconds - self._mean_seconds)

    def pause_seconds(self) -> float:
        """After how long one that may not begin is to come back: behind those that were sent away before it.

        They come back one by one, at the pace at which suspects end here, so that each is claimed once or twice and not
        again and again with all others.
        """
        now = monotonic()
        soonest = now + PAUSE_SECONDS + (now - self._admitted_at if self._held else 0.0)
        behind = self._next_at + max(self._mean_seconds, GAP_SECONDS)
        self._next_at = min(max(soonest, behind), now + PAUSE_SECONDS_MAX)
        return self._next_at - now

    def forget(self, jobs: Iterable[ClaimedJob]) -> None:
        """These are not held any more, and have not begun."""
        self._held.difference_update((job.id, job.token) for job in jobs)
