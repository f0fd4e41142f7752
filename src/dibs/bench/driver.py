"""Starts the stage's processes in a system's environment, waits for what they run, and measures them."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dibs.bench import executions
from dibs.bench.processes import tree_cpu_seconds, tree_rss_bytes
from dibs.bench.stage import tally

STAGE: Final = Path(tally.__file__).with_name("stage.py")
_POLL_SECONDS: Final = 0.02
_POLL_SECONDS_OF_MANY: Final = 0.1
_MANY_JOBS: Final = 20_000
"""Beyond so many, counts are looked at less often: a look takes a few nanoseconds for each job."""

_STOP_SECONDS: Final = 30.0
_LOG_CHARACTERS: Final = 1_000


class StageError(Exception):
    """A system could not do what the benchmark asked of it; the message has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A job queue to be measured."""

    name: str
    adapter: Path
    python: Path
    """The interpreter of the environment it is installed in."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker with its process tree."""

    process: asyncio.subprocess.Process
    started_ns: int

    def cpu_seconds(self) -> float:
        """CPU time of the tree so far."""
        return tree_cpu_seconds(self.process.pid)

    def rss_bytes(self) -> int:
        """Memory of the tree at its peak."""
        return tree_rss_bytes(self.process.pid)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a system said when it was asked how many jobs have finished."""

    finished: int | None
    """Null when it can not say."""
    asked_ns: int
    """When the question was put that got this answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One system on one database, with one tally."""

    system: System
    url: str
    folder: Path
    """The tally's, to begin with empty."""
    jobs: int
    body: str
    environment: Mapping[str, str]

    async def call(self, verb: str, **options: Any) -> dict[str, Any]:
        """Run one verb to its end; gives its answer.

        Raises:
            StageError: It failed.
        """
        async with self._started(verb, options) as process:
            answer = await self._answer(verb, process)
            if code := await process.wait():
                raise self._ended(verb, code)
            return answer

    @asynccontextmanager
    async def asking(
        self, jobs: int, *, unchanged_seconds_max: float, seconds_max: float
    ) -> AsyncIterator[Callable[[], Awaitable[Finished]]]:
        """Make ready to ask the system how many of its jobs have finished, so that the question takes no time then.

        What is yielded asks until all *jobs* have, the answer has not changed for so long, or it has taken
        *seconds_max*. A system that has not answered by twice that time can not say.
        """
        options = {"count": jobs, "unchanged_seconds_max": unchanged_seconds_max, "seconds_max": seconds_max}
        async with self._started("finished", options, is_held=True) as process:
            await self._answer("finished", process)

            async def ask() -> Finished:
                asked_ns = time.monotonic_ns()
                _writer(process).close()
                try:
                    async with asyncio.timeout(2 * seconds_max):
                        answer = await self._answer("finished", process)
                except TimeoutError:
                    return Finished(None, asked_ns)
                return Finished(answer["finished"], answer["asked_ns"])

            yield ask

    @asynccontextmanager
    async def worker(self, profile: str) -> AsyncIterator[Worker]:
        """Run a worker; it is told to stop at the end, and killed with all it started if it does not."""
        started_ns = time.monotonic_ns()
        async with self._started("work", {"profile": profile}) as process:
            yield Worker(process, started_ns)
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()

    async def executed(self, jobs: int, total: int, seconds_max: float, *workers: Worker) -> bool:
        """Wait until so many jobs have started, and there were so many executions in all; false after *seconds_max*.

        Raises:
            StageError: A worker has ended.
        """
        deadline = time.monotonic() + seconds_max
        while time.monotonic() < deadline:
            distinct, executed = await asyncio.to_thread(executions.count, self.folder, self.jobs)
            if distinct >= jobs and executed >= total:
                return True
            for worker in workers:
                if worker.process.returncode is not None:
                    raise self._ended("a worker", worker.process.returncode)
            await asyncio.sleep(poll_seconds(self.jobs))
        return False

    def executions(self) -> executions.Executions:
        """What has been executed so far."""
        return executions.read(self.folder, self.jobs)

    @asynccontextmanager
    async def _started(
        self, verb: str, options: Mapping[str, Any], *, is_held: bool = False
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run a verb; one that *is_held* waits, once it is ready, until its input is closed."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                self.system.python, STAGE, self.system.adapter, verb,
                env=self._environment(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is for us, who stop it
            )  # fmt: skip
        try:
            # Not in the command line: everybody on the machine can read that, and the url may have a password.
            writer = _writer(process)
            writer.write(json.dumps({"driver": os.getpid(), "url": self.url, **options}).encode() + b"\n")
            if not is_held:
                writer.close()
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _answer(self, verb: str, process: asyncio.subprocess.Process) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        said = await process.stdout.readline()
        if not said:
            raise self._ended(verb, await process.wait())
        answer: dict[str, Any] = json.loads(said)
        return answer

    def _ended(self, what: str, code: int | None) -> StageError:
        return StageError(f"{self.system.name}: {what} ended with exit code {code}. {self._last_words()}")

    def _environment(self) -> dict[str, str]:
        # Some workers start others by a command line of their own: those must find the adapter and the tally, too.
        folders = [str(STAGE.parent), str(self.system.adapter.parent), os.environ.get("PYTHONPATH", "")]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, folders)),
            tally.DIR: str(self.folder),
            tally.JOBS: str(self.jobs),
            tally.BODY: self.body,
            **self.environment,
        }

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _last_words(self) -> str:
        return self._log.read_text("utf-8", "replace").strip()[-_LOG_CHARACTERS:]


def poll_seconds(jobs: int) -> float:
    """How long to wait between two looks at the counts of so many jobs: it costs about a hundredth of a core.

    No figure depends on it but for the end of a drain, by at most one such wait; see `Drain`.
    """
    return _POLL_SECONDS if jobs <= _MANY_JOBS else _POLL_SECONDS_OF_MANY


def _writer(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    assert process.stdin is not None  # noqa: S101 - it was asked for
    return process.stdin
