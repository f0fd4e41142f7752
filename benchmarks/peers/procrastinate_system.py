"""Procrastinate: a job queue on Postgres, over psycopg 3."""

import os
from collections.abc import Sequence
from typing import Any, Final

import procrastinate
import tally
from sending import run

SERVER: Final = "postgres"
KEEPS_RECORD: Final = True
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Finished jobs are kept. The pool of the connector is psycopg_pool's own default (4 connections), and the
    # worker's concurrency of 1 is raised to the comparison's 10.
    # https://procrastinate.readthedocs.io/en/stable/howto/production/concurrency.html
    "default": {"concurrency": 10},
    # More jobs at once, and nothing kept. With 10 to 50 jobs at once it was equally fast, with a larger pool of
    # connections slower.
    # https://procrastinate.readthedocs.io/en/stable/howto/production/delete_finished_jobs.html
    # https://procrastinate.readthedocs.io/en/stable/howto/production/concurrency.html
    "best": {"concurrency": 20, "delete_jobs": "always"},
}


async def prepare(url: str) -> None:
    """Make its tables."""
    async with _app(url).open_async() as app:
        await app.schema_manager.apply_schema_async()


class Producer:
    """Defers jobs over a pool with a connection per caller."""

    def __init__(self, app: procrastinate.App) -> None:
        self._app = app
        self._task = app.tasks["bench"]

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Defer one job."""
        await self._task.defer_async(number=number, payload=payload)

    async def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        """Defer many in one statement.

        https://procrastinate.readthedocs.io/en/stable/howto/basics/batch_defer.html
        """
        await self._task.batch_defer_async(*({"number": number, "payload": payload} for number in numbers))

    async def close(self) -> None:
        """Close the pool."""
        await self._app.close_async()


async def connect(url: str, callers: int) -> Producer:
    """Open a pool of *callers* connections."""
    app = _app(url, min_size=callers, max_size=callers)
    await app.open_async()
    return Producer(app)


def work(url: str, profile: str) -> None:
    """Run one worker until SIGTERM, which it handles itself."""
    settings = PROFILES[profile]
    run(_work(url, settings))


async def finished(url: str) -> int | None:
    """Jobs that are neither waiting nor running, be they kept or deleted."""
    async with _app(url).open_async() as app:
        row = await app.connector.execute_query_one_async(
            "select count(*) as left from procrastinate_jobs where status in ('todo', 'doing')"
        )
    return int(os.environ["TALLY_JOBS"]) - row["left"]


async def _work(url: str, settings: dict[str, Any]) -> None:
    async with _app(url).open_async() as app:
        await app.run_worker_async(
            concurrency=settings["concurrency"], delete_jobs=settings.get("delete_jobs", "never")
        )


def _app(url: str, **pool: int) -> procrastinate.App:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, **pool))

    # Retried at once: the default is not to retry at all.
    @app.task(name="bench", retry=procrastinate.RetryStrategy(max_attempts=3))
    async def _task(number: int, payload: str | None) -> None:  # noqa: ARG001
        await tally.run(number)

    return app
