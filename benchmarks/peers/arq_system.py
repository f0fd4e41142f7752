"""ARQ: a job queue on Redis, for asyncio."""

import asyncio
import os
from datetime import timedelta
from typing import Any, Final

import arq
import tally
from arq.connections import ArqRedis, RedisSettings
from arq.constants import default_queue_name

SERVER: Final = "redis"
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Its defaults: 10 at once, a look for jobs every half second, results kept for an hour.
    # https://arq-docs.helpmanual.io/#arq.worker.Worker
    "default": {"max_jobs": 10},
    # More at once, a look every 5 ms, as often as pgmq's server and Dramatiq's idle workers look, no results.
    # https://arq-docs.helpmanual.io/#arq.worker.Worker
    "best": {"max_jobs": 500, "poll_delay": 0.005, "keep_result": 0, "uvloop": True},
}


async def prepare(_url: str) -> None:
    """Redis needs no tables."""


class Producer:
    """Enqueues through one client, whose pool grows with the callers; there is no way to enqueue many at once."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Enqueue one job."""
        await self._redis.enqueue_job("task", number, payload)

    async def close(self) -> None:
        """Close the client."""
        await self._redis.aclose()


async def connect(url: str, _callers: int) -> Producer:
    """Open a client."""
    return Producer(await arq.create_pool(_settings(url)))


def work(url: str, profile: str) -> None:
    """Run its worker until SIGTERM, which it handles itself."""
    settings = dict(PROFILES[profile])
    if settings.pop("uvloop", False):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())
    arq.run_worker(type("WorkerSettings", (), {"functions": [task], "redis_settings": _settings(url), **settings}))


async def finished(url: str) -> int | None:
    """Jobs that have left the queue."""
    redis = await arq.create_pool(_settings(url))
    try:
        return int(os.environ["TALLY_JOBS"]) - await redis.zcard(default_queue_name)
    finally:
        await redis.aclose()


async def task(_context: dict[str, Any], number: int, payload: str | None) -> None:  # noqa: ARG001
    """The task. It says itself that it wants to be retried, at once: ARQ retries nothing else."""
    try:
        await tally.run(number)
    except Exception as error:
        raise arq.Retry(defer=timedelta(0)) from error


def _settings(url: str) -> RedisSettings:
    return RedisSettings(unix_socket_path=url.removeprefix("unix://"))
