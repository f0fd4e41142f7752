"""What notices that a worker does not get on although its process lives, and says why."""

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from time import monotonic
from typing import Final

log = logging.getLogger("dibs.worker")

STUCK_SECONDS: Final = 10.0
"""A round trip that fails or hangs for so long is worth a line of its own, and makes a worker unhealthy."""

SAY_AGAIN_SECONDS: Final = 60.0
"""Between two such lines."""

BLOCKED_SECONDS: Final = 5.0
"""An event loop that does not come round for so long is blocked by something that should be in a thread."""

LOOK_SECONDS: Final = 1.0


class StuckWatch:
    """Notices that nothing gets through to the database."""

    def __init__(
        self, stuck_seconds: Callable[[], float], limit_seconds: float | None, give_up: Callable[[], None]
    ) -> None:
        self._stuck_seconds = stuck_seconds
        self._limit_seconds = limit_seconds
        self._give_up = give_up
        self._say_at = 0.0

    async def tick(self) -> float:
        """Look, and say what is wrong; give up when it has been so for longer than the limit."""
        stuck = self._stuck_seconds()
        if stuck >= STUCK_SECONDS and monotonic() >= self._say_at:
            self._say_at = monotonic() + SAY_AGAIN_SECONDS
            log.critical(
                "no job could be claimed and no ending recorded for %.0f s: the database does not answer", stuck
            )
        if self._limit_seconds is not None and stuck >= self._limit_seconds:
            log.critical("giving up after %.0f s, for whoever supervises this process to start another", stuck)
            self._limit_seconds = None  # said once: it may take its time to stop
            self._give_up()
        return LOOK_SECONDS


class LoopWatch:
    """Notices from another thread that an event loop does not come round."""

    def __init__(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        self._loop = loop
        self._thread_id = thread_id
        self._asked_at: float | None = None
        self._is_told = False

    @property
    def blocked_seconds(self) -> float:
        """For how long the loop has not answered."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else monotonic() - asked_at

    def look(self) -> None:
        """Ask the loop for an answer, or complain that it has not given one. Called about once a second."""
        if self._asked_at is None:
            self._asked_at = monotonic()
            self._loop.call_soon_threadsafe(self._answer)
        elif self.blocked_seconds >= BLOCKED_SECONDS and not self._is_told:
            self._is_told = True
            log.error(
                "the event loop has been blocked for %.0f s, and with it every async job; it is here:\n%s",
                self.blocked_seconds,
                "".join(traceback.format_stack(sys._current_frames().get(self._thread_id))).rstrip(),  # noqa: SLF001
            )

    def _answer(self) -> None:
        if self._is_told:
            log.warning("the event loop goes on after %.0f s", self.blocked_seconds)
        self._is_told = False
        self._asked_at = None
