"""The connection on which an application's enqueues go out.

It is apart from the pool, which serves the application's own statements too, since it is set up as a worker's is: one
plan for each statement, kept. Planning a gathered enqueue anew, and taking a connection out of a pool and giving it
back, cost more than the enqueue itself.
"""

from time import monotonic
from typing import Final, TypeVar

from dibs.domain.errors import DatabaseUnavailableError
from dibs.storage.connect import HOT_SETTINGS, Connection, close, connect, open_session
from dibs.storage.limit import Limit
from dibs.storage.route import Route
from dibs.storage.session import Operation

T = TypeVar("T")

STATEMENT_SECONDS: Final = 60.0
"""The client's own limit for a statement: a connection that is half open never answers."""

IDLE_SECONDS: Final = 300.0
"""A connection that nobody used for so long may have been forgotten by what lies between here and the server."""


class Lane:
    """A connection that is opened when it is first needed, and again when it was lost.

    It serves one operation at a time; whoever finds it busy takes the pool.
    """

    def __init__(self, dsn: str, schema: str) -> None:
        self._dsn = dsn
        self._route = Route.of(dsn)
        self._schema = schema
        self._connection: Connection | None = None
        self._used_at = 0.0
        self._is_closed = False
        self.is_busy = False

    async def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns.

        Raises:
            TimeoutError: The server did not answer; whether the operation took effect is not known.
            DatabaseUnavailableError: The server can not be reached, or this lane has been closed meanwhile.
        """
        self.is_busy = True
        try:
            connection = await self._connected()
            with Limit(STATEMENT_SECONDS) as limit:
                limit.begin(connection)
                return await open_session(self._route, connection, self._schema, settings=HOT_SETTINGS).run(operation)
        finally:
            self._used_at = monotonic()
            self.is_busy = False

    async def close(self) -> None:
        """Close the connection, if there is one; an operation that is under way fails."""
        self._is_closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            if self.is_busy:
                connection.terminate()
            else:
                await close(connection)

    async def _connected(self) -> Connection:
        connection = self._connection
        if connection is not None and monotonic() - self._used_at > IDLE_SECONDS:
            connection.terminate()
        if connection is None or connection.is_closed():
            connection = await connect(self._dsn, name="dibs enqueue", settings=HOT_SETTINGS)
            if self._is_closed:  # meanwhile
                await close(connection)
                raise DatabaseUnavailableError("closed; nothing was sent")
            self._connection = connection
        return connection
