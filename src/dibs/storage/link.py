"""One connection that comes back."""

import asyncio
import logging
import random
from collections.abc import Callable
from time import monotonic
from typing import Final, TypeVar

from dibs.domain.errors import ConfigError
from dibs.storage.connect import (
    DATABASE_ERRORS,
    WORKER_SETTINGS,
    Connection,
    close,
    connect,
    is_connection_at_fault,
    is_setting_at_fault,
    open_session,
)
from dibs.storage.migrate import check
from dibs.storage.route import Route
from dibs.storage.session import Operation

T = TypeVar("T")
log = logging.getLogger("dibs.link")

STATEMENT_SECONDS: Final = 60.0
"""The client's own limit for a statement: a half-open connection never answers, and must not hold a worker."""

_BACKOFF_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
"""Between attempts to connect; the last one repeats for ever. Jitter keeps a fleet from knocking all at once."""


_SAY_AGAIN_SECONDS: Final = 10.0
"""Between two lines that say the same of attempts to connect."""


class LinkDownError(Exception):
    """The statement failed or its outcome is unknown; the connection has been given up if it was at fault."""


class Link:
    """A worker's connection: one operation at a time, reconnecting for ever."""

    def __init__(self, dsn: str, schema: str, *, name: str) -> None:
        self._dsn = dsn
        self._route = Route.of(dsn)
        self._schema = schema
        self._name = name
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._made_at = 0.0
        self.took_seconds = 0.0
        """How long the last operation took, without the wait for its turn and for a connection."""
        self.connections = 0
        """How often it has connected so far."""

    async def run(self, operation: Operation[T], *, seconds: float = STATEMENT_SECONDS) -> T:
        """Drive *operation*, waiting for a connection first if there is none.

        Raises:
            LinkDownError: Something went wrong on the way; whether the operation took effect is not known.
        """
        async with self._turn:
            connection = await self._connected()
            began = monotonic()
            try:
                # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the answer.
                async with asyncio.timeout(seconds):
                    on = open_session(self._route, connection, self._schema, settings=WORKER_SETTINGS)
                    return await on.run(operation)
            except DATABASE_ERRORS as error:
                await self._give_up(connection, error)
                raise LinkDownError(_told(error)) from error
            except BaseException:
                # Cancelled in the middle: the answer to this statement must not be taken for that of the next one.
                self._drop(connection)
                raise
            finally:
                self.took_seconds = monotonic() - began

    @property
    def keeps_sessions(self) -> bool:
        """Whether its connection can listen for notifications, and hold a lock for as long as it lasts."""
        return self._route.keeps_sessions

    @property
    def is_up(self) -> bool:
        """True when it has a connection that has not broken, as far as is known."""
        return self._connection is not None and not self._connection.is_closed()

    async def check_schema(self) -> None:
        """Make sure that this code can work here. The first thing a worker does with its connection.

        Raises:
            SchemaError: The tables do not fit this code.
            ConfigError: The server knows no such user, password or database. (Later on a worker keeps trying, since
                it did work once.)
            LinkDownError: It could not be found out.
        """
        async with self._turn:
            connection = await self._connected(may_be_wrong=True)
            try:
                async with asyncio.timeout(STATEMENT_SECONDS):
                    await check(connection, self._schema)
            except DATABASE_ERRORS as error:
                await self._give_up(connection, error)
                raise LinkDownError(_told(error)) from error

    async def subscribe(self, channels: dict[str, Callable[[str], None]]) -> None:
        """Have a function called with the payload of each notification on a channel, while this connection lasts."""
        async with self._turn:
            connection = await self._connected()
            try:
                for channel, receive in channels.items():
                    async with asyncio.timeout(STATEMENT_SECONDS):
                        await connection.add_listener(
                            channel, lambda _c, _p, _ch, payload, to=receive: to(str(payload))
                        )
            except DATABASE_ERRORS as error:
                await self._give_up(connection, error)
                raise LinkDownError(_told(error)) from error

    def give_up_older(self, made_before: float) -> None:
        """Part with a connection that was made before a time on this process's clock: it may never answer again.

        Who waits for an answer gets `LinkDownError`.
        """
        if self._connection is not None and self._made_at < made_before:
            self._drop(self._connection)

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)

    async def _connected(self, *, may_be_wrong: bool = False) -> Connection:
        attempt, told, told_at = 0, "", 0.0
        while self._connection is None or self._connection.is_closed():
            try:
                self._connection = await connect(self._dsn, name=self._name, settings=WORKER_SETTINGS)
            except DATABASE_ERRORS as error:
                if may_be_wrong and is_setting_at_fault(error):
                    raise ConfigError(str(error)) from error
                pause = _BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)] * random.uniform(0.5, 1.0)  # noqa: S311
                attempt += 1
                why = _told(error.__cause__ or error)  # said again: without the DSN and the advice
                if why != told or monotonic() - told_at >= _SAY_AGAIN_SECONDS:
                    told, told_at = why, monotonic()
                    log.warning("%s has no connection to Postgres (%s); it keeps trying", self._name, why)
                await asyncio.sleep(pause)
            else:
                self._made_at = monotonic()
                self.connections += 1
                if self.connections > 1 or attempt:
                    log.info("%s is connected to Postgres", self._name)
        return self._connection

    async def _give_up(self, connection: Connection, error: Exception) -> None:
        """Part with a connection that broke or that does not answer; keep one that merely refused a statement."""
        if connection.is_closed() or is_connection_at_fault(error) or connection.is_in_transaction():
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
        connection.terminate()


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error) or 'no answer in time'}"
