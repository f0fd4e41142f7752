"""The workers: real processes, started by the command line, each execution counted."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.limits.lines import new_job
from dibs import Dibs
from dibs.bench.driver import Worker
from dibs.bench.executions import count, counts
from dibs.bench.stage import tally
from dibs.bench.systems import dibs_system

SETTINGS: Final = tuple(f"--{name}={value}" for name, value in dibs_system.PROFILES["best"].items())
PAYLOAD_BYTES: Final = 200
START_SECONDS_MAX: Final = 30.0
STOP_SECONDS_MAX: Final = 30.0
ROOT: Final = Path(__file__).parents[2]


@dataclass(slots=True)
class Crew:
    """Starts workers on one database, enqueues for them, and counts what they ran."""

    url: str
    jobs: int
    folder: Path
    _taken_as_run: int = 0

    @staticmethod
    @asynccontextmanager
    async def on(url: str, *, jobs: int) -> AsyncIterator["Crew"]:
        """A crew for jobs with numbers below *jobs*."""
        with tempfile.TemporaryDirectory(prefix="dibs-crew-") as folder:
            yield Crew(url, jobs, Path(folder))

    async def enqueue_one(self, *, number: int = 0, delay_seconds: float | None = None) -> int:
        """Enqueue a job as anybody would; gives its id."""
        job = msgspec.structs.replace(new_job(number, payload_bytes=PAYLOAD_BYTES), delay_seconds=delay_seconds)
        async with Dibs(self.url) as app:
            return (await app.enqueue_many([job]))[0].id

    async def start_cpu_seconds(self) -> float:
        """What a worker spends until it has found that there is nothing to do. Called while that is so."""
        async with Dibs(self.url) as app, self.worker() as worker:
            asleep = "select exists (select from dibs.worker where asleep)"
            async with app.connection() as connection, asyncio.timeout(START_SECONDS_MAX):
                while not await connection.fetchval(asleep):  # noqa: ASYNC110 - a row that changes sends no event
                    await asyncio.sleep(0.02)
            return worker.cpu_seconds()

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Worker]:
        """Run a worker; it is stopped gracefully at the end, unless it was killed before.

        Raises:
            RuntimeError: It ended with an error.
        """
        command = [sys.executable, "-m", "dibs", "worker", f"{dibs_system.__name__}:app", *SETTINGS]
        started_ns = time.monotonic_ns()
        process = await asyncio.create_subprocess_exec(
            *command, "--log-level=error", cwd=ROOT, env=self._environment(), stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield Worker(process, started_ns)
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS_MAX):
                    code = await process.wait()
            except BaseException:  # it does not stop, or nobody waits for it any more: the next day must not have it
                process.kill()
                await process.wait()
                raise
        # One that is told to stop before it has begun, ends by the signal.
        if code not in {0, -signal.SIGKILL, -signal.SIGTERM}:
            raise RuntimeError(f"a worker ended with exit code {code}")

    def executed(self, numbers: range) -> int:
        """How many of *numbers* have been started so far."""
        return count(self.folder, self.jobs, numbers)[0]

    def counts(self, numbers: range) -> bytes:
        """How often each of *numbers* was run."""
        return counts(self.folder, self.jobs, numbers)

    def take_as_run(self, jobs: int) -> None:
        """Count the first *jobs* numbers as executed: they are copies of one that was."""
        self._taken_as_run = jobs

    def executions(self) -> dict[str, int]:
        """Numbers that were executed, and executions beyond the first of a number."""
        distinct, executions = count(self.folder, self.jobs)
        return {"executed": distinct + max(self._taken_as_run - 1, 0), "executed_again": executions - distinct}

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            dibs_system.URL_VARIABLE: self.url,
            tally.DIR: str(self.folder),
            tally.JOBS: str(self.jobs),
            tally.BODY: "noop",
        }
