"""What an application does with jobs, on a pool of connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from dibs.client.database import Database
from dibs.client.gatherer import GATHERED_ROWS_MAX, Gatherer
from dibs.client.lane import STATEMENT_SECONDS, Lane
from dibs.client.watcher import Watcher
from dibs.domain.batch import Batch, BatchProgress
from dibs.domain.errors import DatabaseUnavailableError
from dibs.domain.job import EnqueuedJob, NewJob
from dibs.engine.batch import create_batch
from dibs.engine.enqueue import enqueue
from dibs.engine.liveness import ensure_queues
from dibs.storage.borrow import async_session
from dibs.storage.connect import Pool, PooledConnection, open_pool, open_session, reset
from dibs.storage.limit import Limit
from dibs.storage.migrate import Migration, check, migrate, schema_errors
from dibs.storage.route import Route
from dibs.storage.session import Operation
from dibs.storage.sessions.on_asyncpg import OnAsyncpg, OnBorrowedAsyncpg

T = TypeVar("T")

CLOSE_SECONDS: Final = 10.0
"""How long enqueues that are under way may take once the client is closed, and then those who hold a connection."""


class Client:
    """Runs operations on a pool of its own, or on one that the application lends."""

    def __init__(self, database: Database, schema: str, *, pool: Pool | None, pool_size: int) -> None:
        self._database = database
        self._schema = schema
        self._pool = pool
        self._is_pool_lent = pool is not None
        self._pool_size = pool_size
        self._opening = asyncio.Lock()
        self._gatherer = Gatherer(self._write)
        self._lane: Lane | None = None
        self._queues: set[str] = set()
        self._watcher: Watcher | None = None
        self._is_closed = False
        self._route = Route("")  # known once it is open

    async def open(self) -> None:
        """Open the pool and check the tables (an embedded database gets them); does nothing when that was done.

        Raises:
            SchemaError: The tables do not fit this code.
            DatabaseUnavailableError: The server can not be reached, or this client has been closed.
        """
        if self._is_closed:  # what was left over must not open it again behind everybody's back
            raise DatabaseUnavailableError("closed; nothing was sent")
        if self._is_open():
            return
        async with self._opening:
            if self._is_open():  # by somebody else, meanwhile
                return
            dsn = await asyncio.to_thread(self._database.url)
            if self._pool is None:
                self._pool = await open_pool(dsn, name="dibs client", size=self._pool_size)
            if self._database.is_embedded and not self._is_pool_lent:
                async with self._pool.acquire() as connection:
                    await migrate(connection, self._schema)
            with Limit(STATEMENT_SECONDS) as limit:
                async with self._pool.acquire() as connection:
                    limit.begin(connection)
                    await check(connection, self._schema)
            self._route = Route.of(dsn)
            if not self._is_pool_lent:
                self._lane = Lane(dsn, self._schema)
            self._watcher = Watcher(dsn, self._schema, self.run)

    def _is_open(self) -> bool:
        return self._watcher is not None

    async def close(self) -> None:
        """Wait for what is under way, for twenty seconds at most, and close what this client opened.

        What is still under way then gets an error: whether it took effect is not known.
        """
        await self._gatherer.drain(CLOSE_SECONDS)
        self._is_closed = True
        lane, self._lane = self._lane, None
        if lane is not None:
            await lane.close()
        if self._watcher is not None:
            await self._watcher.close()
            self._watcher = None
        if self._pool is not None and not self._is_pool_lent:
            pool, self._pool = self._pool, None
            with contextlib.suppress(TimeoutError):  # it breaks off the connections that somebody still holds
                async with asyncio.timeout(CLOSE_SECONDS):
                    await pool.close()

    async def migrate(self) -> Sequence[Migration]:
        """Bring the tables up to date, and tell which migrations that took."""
        dsn = await asyncio.to_thread(self._database.url)
        pool = self._pool or await open_pool(dsn, name="dibs migrate", size=1)
        try:
            async with pool.acquire() as connection:
                return await migrate(connection, self._schema)
        finally:
            if pool is not self._pool:
                await pool.close()

    async def run(self, operation: Operation[T], *, connection: Any = None, atomic: bool = False) -> T:
        """Drive *operation* on a pooled connection, or on the caller's *connection*, in its open transaction.

        With *atomic*, the pooled connection runs it in one transaction.

        Raises:
            TimeoutError: The server did not answer on the pooled connection; whether the operation took effect is not
                known.
        """
        with schema_errors(self._schema):
            if connection is not None:
                return await async_session(connection, self._schema).run(operation)
            with Limit(STATEMENT_SECONDS) as limit:
                async with self._pooled() as pooled:
                    limit.begin(pooled)
                    session = self._session(pooled, limit.renew)
                    async with pooled.transaction() if atomic else contextlib.nullcontext():
                        return await session.run(operation)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PooledConnection]:
        """A connection of the pool, for statements of others."""
        async with self._pooled() as pooled:
            try:
                yield pooled
            finally:
                await reset(pooled)

    def _session(self, pooled: PooledConnection, gets_on: Callable[[], None]) -> OnAsyncpg:
        if self._is_pool_lent:  # it may have codecs of its own, so its connections are treated as borrowed ones
            return OnBorrowedAsyncpg(pooled, self._schema, gets_on=gets_on)
        # Behind a pooler in transactions: asyncpg asks for types in several statements, which belong together.
        return open_session(self._route, pooled, self._schema, gets_on=gets_on)

    @asynccontextmanager
    async def _pooled(self) -> AsyncIterator[PooledConnection]:
        await self.open()
        assert self._pool is not None  # noqa: S101 - open() has seen to it
        async with self._pool.acquire() as pooled:
            yield pooled

    async def enqueue(self, jobs: Sequence[NewJob], *, connection: Any = None) -> list[EnqueuedJob]:
        """Write *jobs*; on return they are durable, or part of the transaction that is open on *connection*."""
        if not jobs:
            return []
        if connection is None and len(jobs) <= GATHERED_ROWS_MAX:
            await self.open()
            await self._know_queues(jobs)
            return await self._gatherer.enqueue(jobs)
        return await self.run(enqueue(jobs), connection=connection, atomic=True)

    async def _know_queues(self, jobs: Sequence[NewJob]) -> None:
        """See that the queues are there, before anything is gathered.

        Making one may wait for a transaction of somebody who makes it, too. Only who enqueues to that queue shall wait.
        """
        new = {job.queue for job in jobs} - self._queues
        if new:
            await self.run(ensure_queues(sorted(new)))
            self._queues |= new

    async def batch(self, name: str, jobs: Sequence[NewJob], *, connection: Any = None) -> Batch:
        """Write a batch with its jobs, all or nothing."""
        return await self.run(create_batch(name, jobs), connection=connection, atomic=True)

    async def watch_batch(self, batch_id: int) -> AsyncIterator[BatchProgress]:
        """The batch's progress: now, after each change, and when it is finished."""
        await self.open()
        assert self._watcher is not None  # noqa: S101 - open() has seen to it
        async for progress in self._watcher.watch(batch_id):
            yield progress

    async def _write(self, jobs: Sequence[NewJob]) -> list[EnqueuedJob]:
        if self._lane is None or self._lane.is_busy:
            return await self.run(enqueue(jobs))
        with schema_errors(self._schema):
            return await self._lane.run(enqueue(jobs))
