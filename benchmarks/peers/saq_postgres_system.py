"""SAQ on Postgres: its queue over psycopg 3."""

import os
from typing import Any, Final

import orjson
import psycopg
import tally
from psycopg_pool import AsyncConnectionPool
from saq import Worker
from saq.queue.postgres import PostgresQueue
from sending import run

SERVER: Final = "postgres"
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Its defaults: 10 at once, up to 20 connections, finished jobs kept for ten minutes, json.
    # https://saq-py.readthedocs.io/en/latest/worker.html
    "default": {"concurrency": 10},
    # More at once, nothing kept (a job's ttl of -1), and orjson: the serialiser is the user's to choose. Of 10, 20, 50,
    # 100 and 300 at once, 100 was found the fastest.
    # https://saq-py.readthedocs.io/en/latest/job.html, https://saq-py.readthedocs.io/en/latest/queue.html
    "best": {"concurrency": 100, "keep": False},
}


async def prepare(url: str) -> None:
    """Make its tables, as its first connection does."""
    queue = _queue(url)
    await queue.connect()
    await queue.disconnect()


class Producer:
    """Enqueues over a pool with a connection per caller; there is no way to enqueue many at once."""

    def __init__(self, queue: PostgresQueue) -> None:
        self._queue = queue

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Enqueue one job, to be tried three times; the default is once."""
        await self._queue.enqueue("task", number=number, payload=payload, retries=3)

    async def close(self) -> None:
        """Close the pool."""
        await self._queue.disconnect()


async def connect(url: str, callers: int) -> Producer:
    """Open a pool of *callers* connections."""
    queue = _queue(url, min_size=callers, max_size=callers)
    await queue.connect()
    return Producer(queue)


def work(url: str, profile: str) -> None:
    """Run its worker until SIGTERM, which it handles itself."""
    settings = PROFILES[profile]
    run(_work(url, settings))


async def finished(url: str) -> int | None:
    """Jobs that completed, be they kept or deleted."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("select count(*) from saq_jobs where status <> 'complete'")
        row = await cursor.fetchone()
    return int(os.environ["TALLY_JOBS"]) - row[0] if row else None


async def _work(url: str, settings: dict[str, Any]) -> None:
    queue = _queue(url)
    await queue.connect()
    try:
        await Worker(
            queue,
            functions=[task],
            concurrency=settings["concurrency"],
            before_process=None if settings.get("keep", True) else _forget,
        ).start()
    finally:
        await queue.disconnect()


async def task(_: dict[str, Any], *, number: int, payload: str | None) -> None:  # noqa: ARG001
    """The task."""
    await tally.run(number)


async def _forget(context: dict[str, Any]) -> None:
    context["job"].ttl = -1


def _queue(url: str, *, min_size: int = 4, max_size: int = 20) -> PostgresQueue:
    return PostgresQueue(
        AsyncConnectionPool(url, open=False),
        **({"dump": orjson.dumps, "load": orjson.loads} if os.environ["BENCH_PROFILE"] == "best" else {}),
        min_size=min_size,
        max_size=max_size,
        manage_pool_lifecycle=True,
    )
