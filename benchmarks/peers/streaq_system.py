"""streaQ: a job queue on Redis streams, for asyncio."""

import os
from collections.abc import Sequence
from typing import Any, Final

import tally
from streaq import StreaqRetry, Worker

SERVER: Final = "redis"
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Ten at once; results kept for five minutes, as it comes. https://streaq.readthedocs.io/en/latest/worker.html
    "default": {"concurrency": 10},
    # More at once, uvloop, no results. https://streaq.readthedocs.io/en/latest/worker.html
    # https://streaq.readthedocs.io/en/latest/task.html
    "best": {"concurrency": 500, "anyio_kwargs": {"use_uvloop": True}, "ttl": 0},
}

_TTL_SECONDS: Final = 300
"""Its default: how long a result is kept."""


async def prepare(_url: str) -> None:
    """Redis needs no tables."""


class Producer:
    """Enqueues through the worker object, as its users do."""

    def __init__(self, worker: Worker[None]) -> None:
        self._worker = worker
        self._task = worker.registry["bench"]

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Enqueue one job."""
        await self._task.enqueue(number, payload)

    async def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        """Enqueue many in one pipeline."""
        await self._worker.enqueue_many([self._task.enqueue(number, payload) for number in numbers])

    async def close(self) -> None:
        """Close the client."""
        await self._worker.__aexit__(None, None, None)


async def connect(url: str, _callers: int) -> Producer:
    """Open a client."""
    worker = _worker(url)
    await worker.__aenter__()
    return Producer(worker)


def work(url: str, profile: str) -> None:
    """Run its worker until SIGTERM, which it handles itself."""
    _worker(url, **PROFILES[profile]).run_sync()


async def finished(url: str) -> int | None:
    """Jobs that are neither waiting nor running."""
    worker = _worker(url)
    async with worker:
        return int(os.environ["TALLY_JOBS"]) - await worker.queue_size()


def _worker(url: str, *, ttl: int = _TTL_SECONDS, **settings: Any) -> Worker[None]:
    worker: Worker[None] = Worker(redis_url=url, **settings)

    # Retried at once: the default is to wait, longer with each try.
    @worker.task(name="bench", max_tries=3, ttl=ttl)
    async def _task(number: int, payload: str | None) -> None:  # noqa: ARG001
        try:
            await tally.run(number)
        except Exception as error:
            raise StreaqRetry(delay=0) from error

    return worker
