"""`dibs-ingest serve`: the API and a worker, until Ctrl-C."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from dibs import Dibs
from dibs_ingest.model import ensure_model
from dibs_ingest.run.database import VARIABLE, database
from dibs_ingest.run.processes import Child, api_command, wait_until_ready, worker_command
from dibs_ingest.settings import Settings

_WATCH_SECONDS = 0.2


def prepare(settings: Settings, database_url: str, say: Callable[[str], None]) -> None:
    """See that the model and the tables of the jobs are there.

    Raises:
        ModelMissingError: If the model can not be had.
    """
    if settings.embedder == "local":
        ensure_model(settings.models_folder, settings.precision, say=say)
    asyncio.run(_migrate(settings, database_url))


async def _migrate(settings: Settings, database_url: str) -> None:
    app = Dibs(database_url, schema=settings.jobs_schema)
    try:
        await app.migrate()
    finally:
        await app.close()


def environment(settings: Settings, database_url: str) -> dict[str, str]:
    """What the processes of the service read their settings from."""
    return {**os.environ, **settings.to_environment(), VARIABLE: database_url}


def serve(settings: Settings, *, host: str, port: int, workers: int, slots: int, say: Callable[[str], None]) -> None:
    """Run the service until it is told to stop.

    Raises:
        IngestError: If it can not start, or if one of its processes ended by itself.
    """
    with ExitStack() as stack:
        stopped = stack.enter_context(_told_to_stop())
        url = stack.enter_context(database(settings.data))
        prepare(settings, url, say)
        variables = environment(settings, url)
        worker = Child.start("worker", worker_command(slots=slots, processes=workers), variables, None)
        stack.callback(worker.stop)
        api = Child.start("API", api_command(host, port), variables, None)
        stack.callback(api.stop)
        base_url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - the user's choice
        if not stopped():
            wait_until_ready(base_url, [api, worker])
            say(f"Ready on {base_url} (try {base_url}/docs). Ctrl-C stops.")
        while not stopped():
            api.check()
            worker.check()
            time.sleep(_WATCH_SECONDS)
        say("Stopping ...")


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], bool]]:
    """Remember SIGINT and SIGTERM instead of dying of them; the second one has the usual effect."""
    told: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if told:
            signal.default_int_handler(number, frame)
        told.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
