"""Where a long run takes place: a server of its own, workers, and what can be asked of both."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg

from chaos.crew import ROOT
from chaos.endurance.tasks import app, linger, step
from chaos.server import Server
from chaos.waits import START_SECONDS_MAX
from dibs.client.database import URL_VARIABLE

STOP_SECONDS_MAX: Final = 60.0
LOOK_SECONDS: Final = 0.05

DRAINED: Final = "select not exists (select from dibs.ready) and not exists (select from dibs.lease)"
"""Nothing waits and nothing runs; to count what has ended would read all of it, again and again."""


class Worker:
    """A worker process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def rss_bytes(self) -> int:
        """The memory that it holds now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; gives its exit code. One that does not end is killed."""
        self._process.send_signal(signum)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS_MAX):
                return await self._process.wait()
        return await self.kill()

    async def kill(self) -> int:
        """End it, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()


class Place:
    """A server with the tables of dibs, and a connection to ask it."""

    def __init__(self, dsn: str, db: "asyncpg.Connection[asyncpg.Record]", folder: Path) -> None:
        self.dsn = dsn
        self.db = db
        self._folder = folder

    @contextlib.asynccontextmanager
    async def worker(self, slots: int = 20) -> AsyncIterator[Worker]:
        """A worker that serves; it is gone when the block is left."""
        before = await self.value("select coalesce(max(id), 0) from dibs.worker")
        with (self._folder / "workers.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "dibs", "worker", "chaos.endurance.tasks:app", f"--queues=default:{slots}",
                cwd=ROOT, env={**os.environ, URL_VARIABLE: self.dsn},
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        worker = Worker(process)
        try:
            await self.until("select exists (select from dibs.worker where locked and id > $1)", before)
            yield worker
        finally:
            await worker.kill()

    async def value(self, sql: str, *values: Any) -> Any:
        """The first value of the answer."""
        return await self.db.fetchval(sql, *values)

    async def until(self, question: str, *values: Any, seconds: float = START_SECONDS_MAX) -> None:
        """Wait until the answer is true."""
        async with asyncio.timeout(seconds):
            while not await self.value(question, *values):  # noqa: ASYNC110 - a row that appears sends no event
                await asyncio.sleep(LOOK_SECONDS)

    async def ended(self) -> int:
        """How many jobs have ended."""
        count: int = await self.value("select count(*) from dibs.done")
        return count

    async def version(self) -> str:
        """The server's."""
        return str(await self.value("show server_version"))


@contextlib.asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """A server for one run, with nothing in it but the tables."""
    with tempfile.TemporaryDirectory(prefix="endurance-") as folder, Server(Path(folder)) as server, _named(server.dsn):
        await app.migrate()
        db = await server.connect()
        try:
            yield Place(server.dsn, db, Path(folder))
        finally:
            await db.close()
            await app.close()


@contextlib.contextmanager
def _named(dsn: str) -> Iterator[None]:
    """Name the database in the environment, where the app of the tasks finds it."""
    before = os.environ.get(URL_VARIABLE)
    os.environ[URL_VARIABLE] = dsn
    try:
        yield
    finally:
        del os.environ[URL_VARIABLE]
        if before is not None:
            os.environ[URL_VARIABLE] = before


async def enqueue(first: int, count: int, *, is_long: bool = False) -> Sequence[int]:
    """Enqueue so many jobs; gives their ids, which are acknowledged."""
    task = linger if is_long else step
    return [job.id for job in await app.enqueue_many([task.job(first + number) for number in range(count)])]
