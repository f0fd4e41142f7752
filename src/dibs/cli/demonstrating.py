"""What `dibs demo` does."""

import asyncio
import contextlib
import os
import secrets
import signal
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dibs.app import Dibs
from dibs.cli.database import located
from dibs.cli.demo import SCHEMA_VARIABLE
from dibs.cli.target import Target, UnfulfilledError
from dibs.cli.words import some
from dibs.client.database import URL_VARIABLE
from dibs.domain.job import Job
from dibs.domain.state import JobState
from dibs.storage.connect import close, connect, redact
from dibs.storage.migrate import migrate
from dibs.storage.statement import quote
from dibs.worker.supervisor import LIFELINE_VARIABLE, worker_command

_SLOTS: Final = 20
_STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.02
_LOG_CHARACTERS: Final = 2_000


class Stopwatch:
    """Says what took how long."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = monotonic()

    def lap(self, what: str, remark: str = "") -> float:
        """Print the time since the last lap, and give it."""
        now = monotonic()
        took, self._began = now - self._began, now
        self._console.print(f"  {what:<24}{took:6.2f} s  {remark}".rstrip())
        return took


async def demonstrate(target: Target, jobs: int) -> None:
    """Run the demo, and leave nothing behind, be it that it is interrupted."""
    here = asyncio.current_task()
    assert here is not None  # noqa: S101 - for the type checker: coroutines run in tasks
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, here.cancel)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    schema = f"dibs_demo_{secrets.token_hex(4)}"
    try:
        async with located(target, creates=True) as dsn:
            console.print(f"dibs demo on {redact(dsn)}, in a schema of its own\n")
            watch = Stopwatch(console)
            async with _tables(dsn, schema):
                watch.lap("tables made")
                async with _worker(dsn, schema) as (worker, log):
                    await _show(worker, log, jobs, watch, console)
    except asyncio.CancelledError:
        raise UnfulfilledError("interrupted; what the demo made has been removed") from None
    console.print("\nThe worker has stopped, and the schema is dropped. To begin for yourself: docs/quickstart.md")


async def _show(worker: Process, log: Path, jobs: int, watch: Stopwatch, console: Console) -> None:
    from dibs.cli.demo_tasks import app, visit  # its schema is known by now

    async with app:
        await _unless_it_ends(worker, log, _until_ready(app))
        watch.lap("worker process ready", f"pid {worker.pid}, {_SLOTS} slots")
        batch = await app.batch("demo", [visit.job(number) for number in range(1, jobs + 1)])
        watch.lap(f"{some(jobs)} enqueued", "one batch, one transaction")
        await _unless_it_ends(worker, log, _follow(app, batch.id, jobs, console))
        took = watch.lap("all have ended")
        _sum_up(await app.jobs(batch_id=batch.id, limit=jobs), took, console)


async def _until_ready(app: Dibs) -> None:
    while not (await app.status()).workers:  # noqa: ASYNC110 - another process makes it true
        await asyncio.sleep(_POLL_SECONDS)


async def _follow(app: Dibs, batch_id: int, jobs: int, console: Console) -> None:
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TextColumn("{task.fields[running]} claimed"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        row = bar.add_task("jobs", total=jobs, running=0)
        async for progress in app.watch_batch(batch_id):
            bar.update(row, completed=progress.finished, running=progress.running)


def _sum_up(ended: Sequence[Job], took: float, console: Console) -> None:
    succeeded = [job for job in ended if job.state is JobState.SUCCEEDED]
    failed = [job for job in ended if job.state is JobState.FAILED]
    again = sum(job.attempt > 1 for job in succeeded)
    console.print(
        f"\n  {len(succeeded)} succeeded, {again} of them at a second attempt ({len(ended) / took:,.0f} jobs/s)"
    )
    if failed:
        console.print(f"  {len(failed)} failed for good, as they should: {failed[-1].error}")


async def _unless_it_ends(worker: Process, log: Path, work: Coroutine[Any, Any, None]) -> None:
    """Do *work*, as long as the worker process is there to make it end."""
    doing, ending = asyncio.ensure_future(work), asyncio.ensure_future(worker.wait())
    try:
        await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise UnfulfilledError(f"the worker process ended with exit code {worker.returncode}:\n{_end_of(log)}")
        doing.result()
    finally:
        doing.cancel()
        ending.cancel()
        await asyncio.gather(doing, ending, return_exceptions=True)


def _end_of(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-_LOG_CHARACTERS:]


@asynccontextmanager
async def _tables(dsn: str, schema: str) -> AsyncIterator[None]:
    connection = await connect(dsn, name="dibs demo")
    try:
        await migrate(connection, schema)
        try:
            yield
        finally:
            await connection.execute(f"drop schema {quote(schema)} cascade")
    finally:
        await close(connection)


@asynccontextmanager
async def _worker(dsn: str, schema: str) -> AsyncIterator[tuple[Process, Path]]:
    """A worker process, stopped at the end; killed if this process is."""
    os.environ.update({URL_VARIABLE: dsn, SCHEMA_VARIABLE: schema})
    with contextlib.ExitStack() as stack:
        log = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dibs-demo-"))) / "worker.log"
        lifeline, our_end = os.pipe()
        stack.callback(os.close, our_end)
        stack.callback(os.close, lifeline)
        worker = await asyncio.create_subprocess_exec(
            *worker_command(["dibs.cli.demo_tasks:app", f"--queues=demo:{_SLOTS}", "--log-level=error"]),
            env={**os.environ, LIFELINE_VARIABLE: str(lifeline)},
            stdout=stack.enter_context(log.open("wb")),
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=(lifeline,),
            start_new_session=True,  # a Ctrl-C in the terminal is for us, who stop it
        )
        try:
            yield worker, log
        finally:
            if worker.returncode is None:
                worker.terminate()
                try:
                    async with asyncio.timeout(_STOP_SECONDS):
                        await worker.wait()
                except TimeoutError:
                    worker.kill()
                    await worker.wait()
