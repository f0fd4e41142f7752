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
from dibs_ingest.run.processes import Child, api_command, check_port, wait_until_ready, worker_command
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
        KeyboardInterrupt: It was told to stop more than once; all is stopped all the same.
    """
    check_port(host, port)
    with ExitStack() as stack:
        url = stack.enter_context(database(settings.data))
        prepare(settings, url, say)
        signals = stack.enter_context(_told_to_stop())
        variables = environment(settings, url)
        worker = Child.start("worker", worker_command(slots=slots, processes=workers), variables, None)
        stack.callback(worker.stop, signals.are_urgent)
        api = Child.start("API", api_command(host, port), variables, None)
        stack.callback(api.stop, signals.are_urgent)
        base_url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - the user's choice
        if not signals:
            wait_until_ready(base_url, [api, worker], give_up=lambda: bool(signals))
        if not signals:
            say(f"Ready on {base_url} (try {base_url}/docs). Ctrl-C stops.")
        while not signals:
            api.check()
            worker.check()
            time.sleep(_WATCH_SECONDS)
        say("Stopping; files that are being ingested may go on for a while. Ctrl-C once more hands them back at once.")
    if signals.are_urgent():
        raise KeyboardInterrupt


class _Signals(list[int]):
    """Signals to stop that came so far."""

    def are_urgent(self) -> bool:
        """True when there was more than one."""
        return len(self) > 1


@contextmanager
def _told_to_stop() -> Iterator[_Signals]:
    """Remember SIGINT and SIGTERM instead of dying of them: whatever was started is to be stopped in its order."""
    told = _Signals()

    def remember(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
