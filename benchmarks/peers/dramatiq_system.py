"""Dramatiq on Redis."""

import os
from typing import Any, Final

import dramatiq
import tally
from dramatiq.brokers.redis import RedisBroker
from dramatiq.cli import main, make_argument_parser
from redis import Redis

SERVER: Final = "redis"
KEEPS_RECORD: Final = False
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # One process of ten threads. https://dramatiq.io/reference.html#command-line-interface
    "default": {"threads": 10},
    # More threads, and idle workers that wake up after 5 ms. Fewer threads were slower (2: 480, 4: 950, 8: 1,550,
    # 16: 1,650 jobs/s), more were not faster, nor was it when more messages were fetched ahead.
    # https://dramatiq.io/advanced.html#environment-variables
    "best": {"threads": 16, "environment": {"dramatiq_worker_timeout": "5"}},
}

_URL: Final = "DRAMATIQ_BENCH_URL"


def make_broker() -> None:
    """Set the broker, with its task; the worker's processes call this, too."""
    broker = RedisBroker(url=os.environ[_URL])
    dramatiq.set_broker(broker)
    # Retried after a millisecond; the default is fifteen seconds.
    dramatiq.actor(actor_name="bench", min_backoff=1, max_backoff=1, max_retries=3)(_task)


def prepare(_url: str) -> None:
    """Redis needs no tables."""


class Producer:
    """Sends through one client, which the callers' threads share; there is no way to send many at once."""

    def __init__(self) -> None:
        self._broker = dramatiq.get_broker()
        self._actor = self._broker.get_actor("bench")

    def enqueue(self, number: int, payload: str | None) -> None:
        """Send one message."""
        self._actor.send(number, payload)

    def close(self) -> None:
        """Close the client."""
        self._broker.close()


def connect(url: str, _callers: int) -> Producer:
    """Open a client."""
    os.environ[_URL] = url
    make_broker()
    return Producer()


def work(url: str, profile: str) -> None:
    """Run `dramatiq` until SIGTERM."""
    settings = PROFILES[profile]
    os.environ[_URL] = url
    os.environ.update(settings.get("environment", {}))
    arguments = ["dramatiq_system:make_broker", "--processes=1", f"--threads={settings['threads']}"]
    main(make_argument_parser().parse_args(arguments))


def finished(url: str) -> int | None:
    """Messages that it holds no more."""
    with Redis.from_url(url) as redis:
        return (
            int(os.environ["TALLY_JOBS"]) - redis.hlen("dramatiq:default.msgs") - redis.hlen("dramatiq:default.DQ.msgs")
        )


def _task(number: int, payload: str | None) -> None:  # noqa: ARG001
    tally.run_sync(number)
