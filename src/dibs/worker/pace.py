"""When to look for jobs again after there were none.

A worker is awake or asleep. Awake, it looks again after a few milliseconds, and nobody notifies it: under load there
must be no notification at all. After a few empty looks it falls asleep: it says so in the tables, looks once more, and
from then on every enqueue to its queues sends a notification. Behind that, it polls at growing intervals: an enqueue
that began before it fell asleep may commit later, and then nothing is sent. In the end only the heartbeat looks.

Where no notification can come, it stays awake and polls at intervals that grow less.
"""

import random
from time import monotonic
from typing import Final

AWAKE_POLL_SECONDS: Final = 0.005
AWAKE_POLLS: Final = 4
ASLEEP_POLL_SECONDS: Final = 0.02
ASLEEP_POLL_SECONDS_MAX: Final = 1.0
_DOUBLINGS_MAX: Final = 10

POLL_SECONDS_MAX: Final = 0.5
"""Between two looks where no notification can come."""

BUSY_SECONDS: Final = 0.01
"""Two finds within so short a time: notifications would cost more than they bring, so the worker wakes up."""


class Pace:
    """The worker's idea of how busy its queues are."""

    def __init__(self, *, can_be_notified: bool = True) -> None:
        self.is_asleep = False
        self._can_be_notified = can_be_notified
        self._empty_looks = 0
        self._found_at = 0.0
        self._is_busy = False

    def found(self) -> None:
        """A look brought jobs."""
        now = monotonic()
        self._is_busy = now - self._found_at < BUSY_SECONDS
        self._found_at = now
        self._empty_looks = 0

    def found_nothing(self) -> None:
        """A look brought nothing."""
        self._empty_looks += 1
        self._is_busy = False

    @property
    def should_wake(self) -> bool:
        """True when it is marked asleep and should not be."""
        return self.is_asleep and self._is_busy

    @property
    def should_sleep(self) -> bool:
        """True when it is awake and should not be."""
        return self._can_be_notified and not self.is_asleep and self._empty_looks >= AWAKE_POLLS

    def fell_asleep(self) -> None:
        """It is marked asleep now, and is to look once more."""
        self.is_asleep = True
        self._empty_looks = 0

    def woke(self) -> None:
        """It is no longer marked asleep."""
        self.is_asleep = False

    def next_look_seconds(self) -> float | None:
        """Until the next look; null: only a notification or a heartbeat brings one."""
        if not self._empty_looks:
            return 0.0
        if not self.is_asleep and (self._can_be_notified or self._empty_looks <= AWAKE_POLLS):
            return AWAKE_POLL_SECONDS
        pause = ASLEEP_POLL_SECONDS * 2.0 ** min(self._empty_looks - 1, _DOUBLINGS_MAX)
        if not self._can_be_notified:
            pause = min(pause, POLL_SECONDS_MAX)
        elif pause > ASLEEP_POLL_SECONDS_MAX:
            return None
        return pause * random.uniform(0.75, 1.0)  # noqa: S311 - jitter
