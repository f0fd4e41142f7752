"""Taskiq on Redis streams, which acknowledge; its pub/sub and list brokers lose what a killed worker held."""

import os
from typing import Any, Final

import tally
from redis.asyncio import Redis
from taskiq import SimpleRetryMiddleware
from taskiq.cli.worker.cmd import WorkerCMD
from taskiq_redis import RedisStreamBroker

SERVER: Final = "redis"
KEEPS_RECORD: Final = False
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # One process, ten tasks at once, no results, as it comes. https://taskiq-python.github.io/guide/cli.html
    "default": {"max_async_tasks": 10},
    # More at once, more messages a read, and uvloop, which its command line uses where it is installed.
    # https://taskiq-python.github.io/guide/cli.html, https://github.com/taskiq-python/taskiq-redis#readme
    "best": {"max_async_tasks": 500, "xread_count": 1000},
}

_URL: Final = "TASKIQ_BENCH_URL"
_XREAD_COUNT: Final = "TASKIQ_BENCH_XREAD_COUNT"
_GROUP: Final = "taskiq"


def make_broker() -> RedisStreamBroker:
    """The broker with its task; the worker's process makes its own."""
    broker = RedisStreamBroker(
        os.environ[_URL],
        consumer_group_name=_GROUP,
        # From the first message on: by default, what was sent before the first worker started is never seen.
        consumer_id="0",
        xread_count=int(os.environ.get(_XREAD_COUNT, "100")),
    ).with_middlewares(SimpleRetryMiddleware(default_retry_count=3))

    @broker.task("bench", retry_on_error=True)
    async def _task(number: int, payload: str | None) -> None:  # noqa: ARG001
        await tally.run(number)

    return broker


async def prepare(_url: str) -> None:
    """Redis needs no tables."""


class Producer:
    """Sends through one client, whose pool grows with the callers; there is no way to send many at once."""

    def __init__(self, broker: RedisStreamBroker) -> None:
        self._broker = broker
        self._task = broker.local_task_registry["bench"]

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Send one task."""
        await self._task.kiq(number, payload)

    async def close(self) -> None:
        """Close the client."""
        await self._broker.shutdown()


async def connect(url: str, _callers: int) -> Producer:
    """Open a client."""
    os.environ[_URL] = url
    broker = make_broker()
    await broker.startup()
    return Producer(broker)


def work(url: str, profile: str) -> None:
    """Run `taskiq worker` until SIGTERM."""
    settings = PROFILES[profile]
    os.environ[_URL] = url
    if "xread_count" in settings:
        os.environ[_XREAD_COUNT] = str(settings["xread_count"])
    WorkerCMD().exec(
        [
            "taskiq_system:make_broker",
            "--workers=1",
            f"--max-async-tasks={settings['max_async_tasks']}",
            "--log-level=WARNING",
        ]
    )


async def finished(url: str) -> int | None:
    """Messages that were delivered and acknowledged."""
    async with Redis.from_url(url) as redis:
        groups = await redis.xinfo_groups("taskiq") if await redis.exists("taskiq") else []
    if not groups:
        return 0
    return int(os.environ["TALLY_JOBS"]) - (groups[0]["lag"] or 0) - groups[0]["pending"]
