"""PgQueuer: a job queue on Postgres, over asyncpg."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import asyncpg
import orjson
import pgqueuer
import tally
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.models import Job
from sending import run

SERVER: Final = "postgres"
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # The nearest to a concurrency of 10: the cap must be at least twice the batch. One connection, as in its first
    # example; uvloop, which it requires and its command line uses. https://janbjorge.github.io/pgqueuer/getting-started/quickstart/
    "default": {"batch_size": 5, "max_concurrent_tasks": 10},
    # Large batches, no cap, a pool, its settings of autovacuum. 500 was faster than 100 and 1000,
    # and a pool faster than one connection.
    # https://janbjorge.github.io/pgqueuer/guides/performance-tuning/
    "best": {"batch_size": 500, "max_concurrent_tasks": None, "pool": True},
}


async def prepare(url: str) -> None:
    """Make its tables, with its default durability: all logged, as every other system's here."""
    connection = await asyncpg.connect(url)
    try:
        await pgqueuer.Queries.from_asyncpg_connection(connection).install()
    finally:
        await connection.close()


class Producer:
    """Enqueues over a pool with a connection per caller."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queries = pgqueuer.Queries(pgqueuer.AsyncpgPoolDriver(pool))

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Enqueue one job."""
        await self._queries.enqueue("bench", _packed(number, payload))

    async def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        """Enqueue many in one statement, as lists."""
        await self._queries.enqueue(
            ["bench"] * len(numbers), [_packed(number, payload) for number in numbers], [0] * len(numbers)
        )

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


async def connect(url: str, callers: int) -> Producer:
    """Open a pool of *callers* connections, which it does not reset after each call: that is a round trip more."""
    return Producer(await asyncpg.create_pool(url, min_size=callers, max_size=callers, reset=_as_it_is))


async def _as_it_is(_: object) -> None:
    """What is called here leaves nothing behind in a session."""


def work(url: str, profile: str) -> None:
    """Run what `pgq run` runs, until SIGTERM."""
    settings = PROFILES[profile]
    run(
        pgqueuer.run(
            lambda: _manager(url, pool=settings.get("pool", False)),
            batch_size=settings["batch_size"],
            max_concurrent_tasks=settings["max_concurrent_tasks"],
        )
    )


async def finished(url: str) -> int | None:
    """Jobs that have left its queue table; it keeps a log of them."""
    connection = await asyncpg.connect(url)
    try:
        return int(os.environ["TALLY_JOBS"]) - await connection.fetchval("select count(*) from pgqueuer")
    finally:
        await connection.close()


@asynccontextmanager
async def _manager(url: str, *, pool: bool) -> AsyncIterator[pgqueuer.PgQueuer]:
    if pool:
        async with asyncpg.create_pool(url, min_size=5, max_size=20) as connections:
            manager = pgqueuer.PgQueuer.from_asyncpg_pool(connections)
            await pgqueuer.Queries(manager.connection).optimize_autovacuum()  # what `pgq autovac` does
            yield _with_task(manager)
        return
    connection = await asyncpg.connect(url)
    try:
        yield _with_task(pgqueuer.PgQueuer.from_asyncpg_connection(connection))
    finally:
        await connection.close()


def _with_task(manager: pgqueuer.PgQueuer) -> pgqueuer.PgQueuer:
    # Retried at once: the default is to delete what failed.
    # https://janbjorge.github.io/pgqueuer/guides/retry/
    def retrying(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
        return DatabaseRetryEntrypointExecutor(parameters=parameters, max_attempts=3, initial_delay=timedelta(0))

    @manager.entrypoint("bench", executor_factory=retrying)
    async def _task(job: Job) -> None:
        number, _ = orjson.loads(job.payload or b"")
        await tally.run(number)

    return manager


def _packed(number: int, payload: str | None) -> bytes:
    return orjson.dumps([number, payload])
