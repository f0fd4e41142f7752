"""Transactional completion: what a task writes and the success of its job commit together, or not at all."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

from dibs.domain.errors import LeaseLostError
from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import SUCCEEDED, Ended
from dibs.engine.claim import finish
from dibs.storage.borrow import async_session, sync_session
from dibs.storage.limit import Limit
from dibs.storage.psycopg_connection import psycopg_connection

NAME: Final = "dibs transaction"

ANSWER_SECONDS: Final = 10.0
"""How long the begin or the end of a transaction may take, until its connection is given up: one that is half open
never answers, and neither its commit nor its rollback would let go of the slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lender:
    """Where jobs get a connection from when they bring none."""

    dsn: str = field(repr=False)
    schema: str
    pooled: Callable[[], AbstractAsyncContextManager[Any]]
    """An asyncpg connection of the app's pool."""


class JobTransaction(AbstractAsyncContextManager[Any], AbstractContextManager[Any]):
    """A transaction that ends a job as it commits. For `async with` and, in synchronous code, for `with`."""

    def __init__(self, job: ClaimedJob, lender: Lender, connection: Any, on_over: Callable[[], None]) -> None:
        self._ended = Ended(job.id, job.token, SUCCEEDED)
        self._lender = lender
        self._given = connection
        self._on_over = on_over
        self._entered: Any = None

    async def __aenter__(self) -> Any:
        """Begin; gives the connection."""
        self._entered = self._asynchronously()
        return await self._entered.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Record the success and commit; after an error, roll back."""
        handled: bool | None = await self._entered.__aexit__(kind, error, trace)
        return handled

    def __enter__(self) -> Any:
        """Begin; gives the connection."""
        self._entered = self._synchronously()
        return self._entered.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Record the success and commit; after an error, roll back."""
        handled: bool | None = self._entered.__exit__(kind, error, trace)
        return handled

    @asynccontextmanager
    async def _asynchronously(self) -> AsyncIterator[Any]:
        if self._given is not None:  # what the task brought is its own to end
            async with self._finishing(self._given):
                yield self._given
        else:
            with Limit(ANSWER_SECONDS) as limit:
                async with self._lender.pooled() as connection:
                    limit.begin(connection)
                    async with self._finishing(connection):
                        limit.pause()
                        try:
                            yield connection
                        finally:
                            limit.renew()
        self._on_over()

    @asynccontextmanager
    async def _finishing(self, connection: Any) -> AsyncIterator[None]:
        session = async_session(connection, self._lender.schema)
        async with session.transaction():
            yield
            self._accept(await session.run(finish([self._ended])))

    @contextmanager
    def _synchronously(self) -> Iterator[Any]:
        with ExitStack() as stack:
            connection = self._given
            if connection is None:
                connection = stack.enter_context(psycopg_connection(self._lender.dsn, name=NAME))
            session = sync_session(connection, self._lender.schema)
            with session.transaction():
                yield connection
                self._accept(session.run(finish([self._ended])))
        self._on_over()

    def _accept(self, refused: list[int]) -> None:
        if refused:
            self._on_over()
            raise LeaseLostError(
                f"job {self._ended.job_id} was taken back from this worker while it ran, and may run elsewhere by now; "
                "what this transaction wrote is rolled back"
            )
