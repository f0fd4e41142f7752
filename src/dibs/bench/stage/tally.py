"""Counts executions, and is the body of every task that is measured.

Each process writes to a file, `$TALLY_DIR/<its id, modulo FILES>`, mapped into memory: what was counted outlives the
process, however it ends. Some systems start a process for each job, and whoever looks at the counts reads all files; so
there are few, which processes share. Two that share one would have to begin the same job within a tenth of a
microsecond for one of its executions to go uncounted.

A file holds, for each number below `$TALLY_JOBS`, when its job first started here (nanoseconds of the monotonic clock,
8 bytes each; 0: never) and then how often (one byte each). `$TALLY_BODY` says what a task does:

    noop          nothing
    sleep:0.05    wait for so many seconds
    fail:0.05     fail for this share of the numbers, each at its first execution wherever that is
"""

import asyncio
import mmap
import os
import time
from pathlib import Path
from typing import Final

DIR: Final = "TALLY_DIR"
JOBS: Final = "TALLY_JOBS"
BODY: Final = "TALLY_BODY"

FILES: Final = 16
START_BYTES: Final = 8
COUNT_MAX: Final = 255
FAILED: Final = "failed"
"""The file that all processes share: a byte for each number that has failed as it should."""
SENT: Final = "sent"
"""The sender's file: when each job was to be sent, as nanoseconds, 8 bytes for each number; 0: at no given time."""


class DeliberateError(Exception):
    """The failure that a benchmark asks for."""


class Tally:
    """The file of this process, and what its tasks do."""

    def __init__(self) -> None:
        folder, jobs = Path(os.environ[DIR]), int(os.environ[JOBS])
        executions = memoryview(_mapped(folder / str(os.getpid() % FILES), jobs * (START_BYTES + 1)))
        self._starts = executions[: jobs * START_BYTES].cast("q")
        self._counts = executions[jobs * START_BYTES :]
        kind, _, value = os.environ.get(BODY, "noop").partition(":")
        self.sleep_seconds = float(value) if kind == "sleep" else 0.0
        self._fail_every = round(1 / float(value)) if kind == "fail" else 0
        self._failed = memoryview(_mapped(folder / FAILED, jobs)) if self._fail_every else None

    def count(self, number: int) -> None:
        """The job with this number starts now.

        Raises:
            DeliberateError: It is one that should fail, and has not yet.
        """
        if not self._counts[number]:
            self._starts[number] = time.monotonic_ns()
        self._counts[number] = min(self._counts[number] + 1, COUNT_MAX)
        if self._failed is not None and is_to_fail(number, self._fail_every) and not self._failed[number]:
            self._failed[number] = 1
            raise DeliberateError(f"job {number} fails once, as it should")


async def run(number: int) -> None:
    """The body of an asynchronous task."""
    tally = _here or _open()
    tally.count(number)
    if tally.sleep_seconds:
        await asyncio.sleep(tally.sleep_seconds)


def run_sync(number: int) -> None:
    """The body of a plain task."""
    tally = _here or _open()
    tally.count(number)
    if tally.sleep_seconds:
        time.sleep(tally.sleep_seconds)


def is_to_fail(number: int, every: int) -> bool:
    """True for the numbers that fail once, when one in *every* does."""
    return number % every == every - 1


_here: Tally | None = None


def _open() -> Tally:
    global _here  # noqa: PLW0603 - a process has one tally
    _here = Tally()
    return _here


def _forget() -> None:
    """A forked child looks for its own file."""
    global _here  # noqa: PLW0603
    _here = None


def _mapped(path: Path, size: int) -> mmap.mmap:
    """The file as memory: made sparse where it is not there, never shortened or cleared."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, max(size, 1))
        return mmap.mmap(descriptor, 0)
    finally:
        os.close(descriptor)


os.register_at_fork(after_in_child=_forget)
