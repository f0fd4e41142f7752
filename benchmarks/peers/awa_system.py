"""awa: a job queue on Postgres with a core in Rust; the tasks are Python's."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import awa
import tally
from sending import run

SERVER: Final = "postgres"
BULK_SIZE: Final = 5_000
"""In calls of 1,000 it took jobs more slowly (15,300 jobs/s, 19,400 in larger ones)."""
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Ten places on one queue, everything else as it comes.
    # https://github.com/hardbyte/awa/blob/main/docs/getting-started-python.md
    "default": {"max_workers": 10},
    # So many places that a claim's batch of 512 finds room, and that it completes in four streams; one claimer.
    # https://github.com/hardbyte/awa/blob/main/docs/benchmarking.md
    # https://github.com/hardbyte/awa/blob/main/docs/configuration.md
    "best": {"max_workers": 1024, "connections": 20},
}

_QUEUE: Final = "bench"


@dataclass
class Task:
    """The arguments of the task."""

    number: int
    payload: str | None


async def prepare(url: str) -> None:
    """Make its tables, and the queue storage of 0.6 the active one; else the first worker would, after the jobs."""
    client = awa.AsyncClient(_url(url))
    await client.migrate()
    await client.install_queue_storage()
    await client.close()


class Producer:
    """Inserts over a pool with a connection per caller."""

    def __init__(self, client: awa.AsyncClient) -> None:
        self._client = client

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Insert one job."""
        await self._client.insert(Task(number, payload), queue=_QUEUE)

    async def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        """COPY many straight into queue storage."""
        await self._client.enqueue_many_copy([Task(number, payload) for number in numbers], queue=_QUEUE)

    async def close(self) -> None:
        """Close the pool."""
        await self._client.close()


async def connect(url: str, callers: int) -> Producer:
    """Open a pool of *callers* connections."""
    return Producer(awa.AsyncClient(_url(url), max_connections=callers))


def work(url: str, profile: str) -> None:
    """Run a worker, with the handling of SIGTERM that it leaves to its user."""
    settings = PROFILES[profile]
    run(_work(url, settings))


async def finished(url: str) -> int | None:
    """Jobs that it no longer counts as queued or running."""
    client = awa.AsyncClient(_url(url))
    try:
        stats = [stat for stat in await client.queue_stats() if stat.queue == _QUEUE]
        return int(os.environ["TALLY_JOBS"]) - sum(stat.total_queued + stat.running for stat in stats)
    finally:
        await client.close()


async def _work(url: str, settings: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = awa.AsyncClient(_url(url), max_connections=settings.get("connections", 10))

    @client.task(Task, queue=_QUEUE)
    async def _task(job: awa.Job) -> Any:
        # Retried as soon as it allows; a task that simply raises is retried after a backoff of seconds.
        try:
            await tally.run(job.args.number)
        except Exception:  # noqa: BLE001 - a task may raise anything
            return awa.RetryAfter(0)
        return None

    await client.start([(_QUEUE, settings["max_workers"])])
    await stop.wait()
    await client.shutdown()
    await client.close()


def _url(url: str) -> str:
    """The same address in the form that its driver, sqlx, understands."""
    parts = urlsplit(url)
    return f"postgresql:///{parts.path.lstrip('/')}?host={parse_qs(parts.query)['host'][0]}&user={parts.username or ''}"
