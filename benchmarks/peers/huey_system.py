"""Huey on Redis. It takes a job off the queue before it runs: what a killed worker held is lost, by design."""

import os
from typing import Any, Final

import tally
from huey import RedisHuey
from huey.consumer_options import ConsumerConfig
from redis import ConnectionPool

SERVER: Final = "redis"
KEEPS_RECORD: Final = False
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Ten threads; results, of which a task that returns nothing leaves none. https://huey.readthedocs.io/en/latest/consumer.html
    "default": {"worker_type": "thread", "workers": 10},
    # One child process, as every system has one here. https://huey.readthedocs.io/en/latest/consumer.html
    "best": {"worker_type": "process", "workers": 1},
}


def prepare(_url: str) -> None:
    """Redis needs no tables."""


class Producer:
    """Sends through one client, which the callers' threads share; there is no way to send many at once."""

    def __init__(self, huey: RedisHuey) -> None:
        self._huey = huey
        self._task = _with_task(huey)

    def enqueue(self, number: int, payload: str | None) -> None:
        """Send one task."""
        self._task(number, payload)

    def close(self) -> None:
        """Close the client."""
        self._huey.storage.close()


def connect(url: str, _callers: int) -> Producer:
    """Open a client."""
    return Producer(_huey(url))


def work(url: str, profile: str) -> None:
    """Run its consumer until SIGTERM, which it handles itself."""
    huey = _huey(url)
    _with_task(huey)
    huey.create_consumer(**ConsumerConfig(**PROFILES[profile]).values).run()


def finished(url: str) -> int | None:
    """Tasks that have been taken off the queue and out of the schedule of retries."""
    huey = _huey(url)
    return int(os.environ["TALLY_JOBS"]) - huey.pending_count() - huey.scheduled_count()


def _huey(url: str) -> RedisHuey:
    return RedisHuey("bench", connection_pool=ConnectionPool.from_url(url))


def _with_task(huey: RedisHuey) -> Any:
    # Retried at once: the default is not to retry at all.
    @huey.task(retries=3, retry_delay=0, name="bench")
    def _task(number: int, payload: str | None) -> None:  # noqa: ARG001
        tally.run_sync(number)

    return _task
