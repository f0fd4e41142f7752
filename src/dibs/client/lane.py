"""The connection on which an application's enqueues go out.

It is apart from the pool, which serves the application's own statements too, since it is set up as a worker's is: one
plan for each statement, kept. Planning a gathered enqueue anew, and taking a connection out of a pool and giving it
back, cost more than the enqueue itself.
"""

from types import TracebackType

from dibs.storage.connect import WORKER_SETTINGS, Connection, close, connect


class Lane:
    """A connection that is opened when it is first needed, and again when it was lost: `async with lane as connection`.

    It serves one statement at a time; whoever finds it busy takes the pool.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self.is_busy = False

    async def __aenter__(self) -> Connection:
        """Take it."""
        self.is_busy = True
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._dsn, name="dibs enqueue", settings=WORKER_SETTINGS)
        except BaseException:
            self.is_busy = False
            raise
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it for the next one."""
        self.is_busy = False

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)
