"""Celery on Redis."""

import os
from typing import Any, Final

import celery
import tally
from redis import Redis

SERVER: Final = "redis"
KEEPS_RECORD: Final = False
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Ten child processes. https://docs.celeryq.dev/en/stable/userguide/workers.html#concurrency
    "default": {"arguments": ["--concurrency=10"]},
    # In the process itself, more messages reserved, and no talk among workers. One child process (280 jobs/s where this
    # had 410) and ten threads (350) were slower.
    # https://docs.celeryq.dev/en/stable/userguide/optimizing.html#prefetch-limits
    # https://docs.celeryq.dev/en/stable/userguide/concurrency/index.html
    "best": {
        "arguments": [
            "--pool=solo",
            "--prefetch-multiplier=200",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    },
}


def prepare(_url: str) -> None:
    """Redis needs no tables."""


class Producer:
    """Sends through its pool of connections, which the callers' threads share; there is no way to send many at once."""

    def __init__(self, app: celery.Celery) -> None:
        self._app = app
        self._task = app.tasks["bench"]

    def enqueue(self, number: int, payload: str | None) -> None:
        """Send one task."""
        self._task.delay(number, payload)

    def close(self) -> None:
        """Close the connections."""
        self._app.close()


def connect(url: str, callers: int) -> Producer:
    """Open a pool of *callers* connections."""
    app = _app(url)
    app.conf.broker_pool_limit = callers
    return Producer(app)


def work(url: str, profile: str) -> None:
    """Run `celery worker` until SIGTERM, which it handles itself."""
    _app(url).worker_main(["worker", "--loglevel=ERROR", *PROFILES[profile]["arguments"]])


def finished(url: str) -> int | None:
    """Messages that are neither waiting nor reserved by a worker."""
    with Redis.from_url(url) as redis:
        return int(os.environ["TALLY_JOBS"]) - redis.llen("celery") - redis.hlen("unacked")


def _app(url: str) -> celery.Celery:
    app = celery.Celery("bench", broker=url.replace("unix://", "redis+socket://"))
    # Results are ignored, as its documentation advises where nobody reads them.
    # https://docs.celeryq.dev/en/stable/userguide/tasks.html#ignore-results-you-don-t-want
    app.conf.task_ignore_result = True
    app.conf.worker_hijack_root_logger = False

    # Retried at once: the default is not to retry at all.
    @app.task(name="bench", autoretry_for=(Exception,), max_retries=3, default_retry_delay=0)
    def _task(number: int, payload: str | None) -> None:  # noqa: ARG001
        tally.run_sync(number)

    return app
