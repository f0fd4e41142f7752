"""A limit for what a connection does, that holds where cancelling does not.

Whoever cancels a statement of asyncpg waits for the server to say so, as do the rollback and the return to the pool
that follow. On a half-open connection that is for ever; only the end of the connection ends the wait.
"""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import asyncpg


class Limit(AbstractContextManager["Limit"]):
    """Ends a connection, hard, when what is done with it takes too long.

    It counts from `begin` to the end of the block, and anew with each `renew`.

    Raises:
        TimeoutError: The time is over; what the block raised when its connection went away is the cause.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: Callable[[], object] = lambda: None
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def begin(self, connection: Any) -> None:
        """From now on it counts."""
        self._end = connection.terminate
        self.renew()

    def renew(self) -> None:
        """Something got on: it counts from now."""
        self.pause()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._give_up)

    def pause(self) -> None:
        """It counts no more, until it is renewed."""
        if self._timer is not None:
            self._timer.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It is over in time, or the connection has been ended."""
        self.pause()
        if self._is_over and isinstance(error, Exception):
            raise TimeoutError(
                f"the database did not answer within {self._seconds:g} s; whether what was sent took effect is not "
                "known"
            ) from error

    def _give_up(self) -> None:
        self._is_over = True
        with contextlib.suppress(asyncpg.InterfaceError):  # its pool has it back already
            self._end()
