"""dibs itself, used as an application would: its app, its command line, nothing that is not documented."""

import os
from collections.abc import Sequence
from typing import Any, Final

from dibs import Dibs, Retry
from dibs.bench.stage import tally

SERVER: Final = "postgres"
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # What `dibs worker` does by itself: ten slots, one process.
    "default": {"queues": "bench:10", "processes": 1},
    # Of 10, 50, 100 and 200 slots none is faster by more than noise when tasks do nothing; those that wait gain by each
    # slot. One process, so that it compares with one worker of others. docs/guides/workers.md
    "best": {"queues": "bench:100", "processes": 1},
}
BULK_SIZE: Final = 50_000

SCHEMA_VARIABLE: Final = "DIBS_BENCH_SCHEMA"
URL_VARIABLE: Final = "DIBS_DATABASE_URL"

app = Dibs(schema=os.environ.get(SCHEMA_VARIABLE, "dibs"))


@app.task(name="bench.task", queue="bench", retry=Retry(delays=[0, 0]))
async def task(number: int, payload: str | None) -> None:  # noqa: ARG001 - what a real job would carry
    """The task."""
    await tally.run(number)


class Producer:
    """The app, with the pool it opens by itself."""

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Enqueue one job."""
        await task.enqueue(number=number, payload=payload)

    async def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        """Enqueue many in one transaction."""
        await app.enqueue_many([task.job(number=number, payload=payload) for number in numbers])

    async def close(self) -> None:
        """Close the pool."""
        await app.close()


async def prepare(url: str) -> None:
    """Make the tables."""
    os.environ[URL_VARIABLE] = url
    await app.migrate()
    await app.close()


async def connect(url: str, _callers: int) -> Producer:
    """Open the app; callers share its pool."""
    os.environ[URL_VARIABLE] = url
    await app.open()
    return Producer()


def work(url: str, profile: str) -> None:
    """Run `dibs worker`."""
    from dibs.cli import main

    os.environ[URL_VARIABLE] = url
    settings = [f"--{name}={value}" for name, value in PROFILES[profile].items()]
    main(["worker", "dibs_system:app", *settings, "--log-level=error"])


async def finished(url: str) -> int | None:
    """Jobs with an ending on record."""
    os.environ[URL_VARIABLE] = url
    async with app, app.connection() as connection:
        found: int = await connection.fetchval(f'select count(*) from "{app.schema}".done')
    return found
