"""RQ: a job queue on Redis."""

import logging
import os
from collections.abc import Sequence
from typing import Any, Final

import tally
from redis import Redis
from rq import Queue, Retry, SimpleWorker, Worker
from rq.worker_pool import WorkerPool

SERVER: Final = "redis"
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # A pool of ten of its workers, each of which forks for every job; results kept for 500 seconds.
    # https://python-rq.org/docs/workers/#worker-pool, https://python-rq.org/docs/results/
    "default": {"num_workers": 10, "forks": True, "sending": {}},
    # One worker that does not fork, and no results. https://python-rq.org/docs/workers/#performance-notes
    "best": {"num_workers": 1, "forks": False, "sending": {"result_ttl": 0}},
}


def prepare(_url: str) -> None:
    """Redis needs no tables."""


class Producer:
    """Enqueues through one client, which the callers' threads share.

    A job is retried at once where it fails; the default is not to retry.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queue = Queue("bench", connection=redis)
        self._options = PROFILES[os.environ["BENCH_PROFILE"]]["sending"]

    def enqueue(self, number: int, payload: str | None) -> None:
        """Enqueue one job."""
        self._queue.enqueue(task, number, payload, retry=Retry(max=3), **self._options)

    def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        """Enqueue many in one pipeline. https://python-rq.org/docs/#bulk-job-enqueueing."""
        self._queue.enqueue_many(
            [Queue.prepare_data(task, (number, payload), retry=Retry(max=3), **self._options) for number in numbers]
        )

    def close(self) -> None:
        """Close the client."""
        self._redis.close()


def connect(url: str, _callers: int) -> Producer:
    """Open a client."""
    return Producer(Redis.from_url(url))


def work(url: str, profile: str) -> None:
    """Run its pool of workers until SIGTERM, which it handles itself."""
    settings = PROFILES[profile]
    logging.getLogger("rq").setLevel(logging.WARNING)
    WorkerPool(
        ["bench"],
        connection=Redis.from_url(url),
        num_workers=settings["num_workers"],
        worker_class=Worker if settings["forks"] else SimpleWorker,
    ).start(logging_level="WARNING")


def finished(_url: str) -> int | None:
    """With the profile `best` a job is gone when it has finished, and nothing is left to count."""
    return None


def task(number: int, payload: str | None) -> None:  # noqa: ARG001
    """The task."""
    tally.run_sync(number)
