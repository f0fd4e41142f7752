"""An alarm when too much goes wrong."""

import logging
from collections import deque
from time import monotonic

log = logging.getLogger("dibs.alarm")
WINDOW_SECONDS = 60.0


class Alarm:
    """Says so, at most once a minute, when more than *limit* attempts failed within a minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._errors: deque[float] = deque(maxlen=limit + 1)
        self._rang_at = -WINDOW_SECONDS

    def note_error(self) -> None:
        """An attempt failed."""
        now = monotonic()
        self._errors.append(now)
        is_full = len(self._errors) > self._limit
        if is_full and now - self._errors[0] <= WINDOW_SECONDS and now - self._rang_at >= WINDOW_SECONDS:
            self._rang_at = now
            log.critical("ALARM: more than %d attempts failed within %.0f s", self._limit, now - self._errors[0] + 1)
