"""SAQ on Redis."""

import os
from typing import Any, Final

import orjson
import tally
from redis.asyncio import Redis
from saq import Worker
from saq.queue.redis import RedisQueue
from sending import run

SERVER: Final = "redis"
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Its defaults: 10 at once, finished jobs kept for ten minutes, json.
    # https://saq-py.readthedocs.io/en/latest/worker.html
    "default": {"concurrency": 10},
    # More at once, nothing kept (a job's ttl of -1), and orjson: the serialiser is the user's to choose.
    # https://saq-py.readthedocs.io/en/latest/job.html, https://saq-py.readthedocs.io/en/latest/queue.html
    "best": {"concurrency": 100, "keep": False},
}


async def prepare(_: str) -> None:
    """Redis needs no tables."""


class Producer:
    """Enqueues through one client, whose pool grows with the callers; there is no way to enqueue many at once."""

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Enqueue one job, to be tried three times; the default is once."""
        await self._queue.enqueue("task", number=number, payload=payload, retries=3)

    async def close(self) -> None:
        """Close the client."""
        await self._queue.disconnect()


async def connect(url: str, _: int) -> Producer:
    """Open a client."""
    queue = _queue(url)
    await queue.connect()
    return Producer(queue)


def work(url: str, profile: str) -> None:
    """Run its worker until SIGTERM, which it handles itself."""
    settings = PROFILES[profile]
    run(_work(url, settings))


async def finished(url: str) -> int | None:
    """Jobs that are no longer incomplete, be they kept or deleted."""
    async with Redis.from_url(url) as client:
        return int(os.environ["TALLY_JOBS"]) - await client.zcard("saq:default:incomplete")


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


def _queue(url: str) -> RedisQueue:
    fastest = {"dump": orjson.dumps, "load": orjson.loads} if os.environ["BENCH_PROFILE"] == "best" else {}
    return RedisQueue(Redis.from_url(url), **fastest)
