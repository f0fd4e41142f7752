"""Chancy: a job queue on Postgres, over psycopg 3."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import psycopg
import tally
from chancy import Chancy, Job, Queue, Worker, job
from sending import run

SERVER: Final = "postgres"
BULK_SIZE: Final = 5_000
"""In calls of 1,000 it took jobs more slowly (1,900 jobs/s, 2,300 to 2,600 in larger ones)."""
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Not quite its defaults: a queue as declared there runs in processes and looks for jobs every five seconds only,
    # which drains two jobs a second. So: its executor for async tasks, and eager polling.
    # https://tkte.ch/chancy/howto/queues.html
    "default": {"concurrency": 10},
    # Of 100, 500, 1000 and 2000 at once none was faster than 500 by more than noise. What has ended is written ten
    # times a second instead of once. https://tkte.ch/chancy/reference/worker.html
    "best": {"concurrency": 500, "send_outgoing_seconds": 0.1},
}


async def prepare(url: str) -> None:
    """Make its tables."""
    async with _app(url) as app:
        await app.migrate()


class Producer:
    """Pushes over a pool with a connection per caller."""

    def __init__(self, app: Chancy) -> None:
        self._app = app

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Push one job."""
        await self._app.push(_job(number, payload))

    async def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        """Push many, a thousand in a transaction."""
        async for _ in self._app.push_many([_job(number, payload) for number in numbers]):
            pass

    async def close(self) -> None:
        """Close the pool."""
        await self._app.__aexit__(None, None, None)


async def connect(url: str, callers: int) -> Producer:
    """Open a pool that has a connection for each of *callers*, and at least its default of 10."""
    app = _app(url, min_connection_pool_size=callers, max_connection_pool_size=max(callers, 10))
    await app.__aenter__()
    return Producer(app)


def work(url: str, profile: str) -> None:
    """Run its worker until SIGTERM, which it handles itself."""
    settings = PROFILES[profile]
    run(_work(url, settings))


async def finished(url: str) -> int | None:
    """Jobs that it says have succeeded."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("select count(*) from chancy_jobs where state = 'succeeded'")
        row = await cursor.fetchone()
    return row[0] if row else None


async def _work(url: str, settings: dict[str, Any]) -> None:
    async with _app(url) as app:
        await app.declare(
            Queue(
                "default",
                concurrency=settings["concurrency"],
                executor="chancy.executors.asyncex.AsyncExecutor",
                polling_interval=1,
                eager_polling=True,
            ),
            upsert=True,
        )
        worker = Worker(app)
        worker.send_outgoing_interval = settings.get("send_outgoing_seconds", worker.send_outgoing_interval)
        async with worker:
            await worker.wait_for_shutdown()


@job()
async def task(*, number: int, payload: str | None) -> None:  # noqa: ARG001
    """The task."""
    await tally.run(number)


def _job(number: int, payload: str | None) -> Job:
    # Retried at once: the default is not to retry at all.
    return task.job.with_kwargs(number=number, payload=payload).with_max_attempts(3)


def _app(url: str, **pool: int) -> Chancy:
    # Its log has a line for each job, which nobody runs production with.
    quiet = logging.getLogger("chancy.bench")
    quiet.setLevel(logging.WARNING)
    return Chancy(url, log=quiet, **pool)
