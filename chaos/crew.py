"""The workers of a run: real processes on seats, each with a way of its own to the server, replaced when killed."""

import asyncio
import contextlib
import os
import random
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from chaos.notes import FOLDER_VARIABLE, Left, Notebook, Refused, now
from chaos.tasks import SLOW

ROOT: Final = Path(__file__).parents[1]
QUEUES: Final = f"default:20,{SLOW}:6"

TIMEOUT_SECONDS: Final = 4.0
"""The workers' time-out: short, so that many can run out in a run."""

STOP_SECONDS_MAX: Final = 30.0
"""How long a worker that was told to stop may take."""

_REFUSED: Final = re.compile(r"the endings of jobs ([\d, ]+) were refused")


class Door(Protocol):
    """A worker's way to the server, which may be closed while it is on it."""

    @property
    def dsn(self) -> str:
        """What the worker is told."""

    async def open(self) -> None:
        """Let it pass; called once, before the worker starts."""

    async def close(self) -> None:
        """Let nobody pass any more."""


D = TypeVar("D", bound=Door)


class Seat(Generic[D]):
    """A place for one worker process at a time."""

    def __init__(self, number: int, door: D, command: Sequence[str], folder: Path, notebook: Notebook) -> None:
        self.door = door
        self.turn = asyncio.Lock()
        """Held by whoever does something to the worker here."""
        self._name = f"worker-{number}"
        self._command = tuple(command)
        self._folder = folder
        self._notebook = notebook
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._is_told = False

    @property
    def pid(self) -> int:
        """The process that works here."""
        return self._running.pid

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self._name} has not been started")
        return self._process

    async def start(self) -> None:
        """Start a worker, in the process group of this process: whoever has to kill that, kills all."""
        self._is_told = False
        with (self._folder / f"{self._name}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, env=environment(self.door.dsn, self._folder),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._watch = asyncio.ensure_future(self._see_it_end(self._process))

    def send(self, signum: int) -> None:
        """Send the worker a signal."""
        with contextlib.suppress(ProcessLookupError):
            self._running.send_signal(signum)

    async def kill(self) -> None:
        """End it by SIGKILL, whatever state it is in."""
        self._is_told = True
        self.send(signal.SIGKILL)
        await self._gone()

    async def stop(self) -> None:
        """End it gracefully. One that does not end is killed; that, or an exit code that tells of trouble, is noted."""
        self._is_told = True
        self.send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await self._gone()
        await self.kill()
        # One that is told to stop before it has begun, ends by the signal.
        if (code := self._running.returncode) not in {0, -signal.SIGTERM}:
            self._notebook.add(Left(at=now(), pid=self.pid, code=code or 0))

    async def _gone(self) -> None:
        if self._watch is not None:
            await asyncio.shield(self._watch)

    async def _see_it_end(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if not self._is_told:
            self._notebook.add(Left(at=now(), pid=process.pid, code=code))
            await self.start()


class Crew(Generic[D]):
    """All workers of a run."""

    def __init__(self, doors: Sequence[D], folder: Path, *, broken: str | None = None) -> None:
        program = ["-m", "dibs"] if broken is None else ["-m", "chaos.broken", broken]
        command = [sys.executable, *program, "worker", "chaos.tasks:app", f"--queues={QUEUES}",
                   f"--timeout={TIMEOUT_SECONDS:g}", "--alarm=1000000", "--log-format=json"]  # fmt: skip
        self._notebook = Notebook(folder / "crew.jsonl")
        self.seats = tuple(Seat(number, door, command, folder, self._notebook) for number, door in enumerate(doors))

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Have everybody work; at the end, however it comes, nobody is left."""
        try:
            for seat in self.seats:
                await seat.door.open()
                await seat.start()
            yield
            await asyncio.gather(*(seat.stop() for seat in self.seats))
        finally:
            for seat in self.seats:
                with contextlib.suppress(RuntimeError):  # it was never started
                    await seat.kill()
                await seat.door.close()
            self._notebook.close()

    @contextlib.asynccontextmanager
    async def victim(self, chance: random.Random) -> AsyncIterator[Seat[D]]:
        """Somebody to whom nothing is being done yet."""
        free = [seat for seat in self.seats if not seat.turn.locked()]
        seat = chance.choice(free or self.seats)
        async with seat.turn:
            yield seat


def environment(dsn: str, folder: Path) -> Mapping[str, str]:
    """What the processes of a run are told."""
    return {**os.environ, "DIBS_DATABASE_URL": dsn, FOLDER_VARIABLE: str(folder)}


def refused(folder: Path) -> Iterator[Refused]:
    """The endings that workers say were refused. A line of the log names 20 at most."""
    for file in sorted(folder.glob("worker-*.log")):
        for line in file.read_bytes().splitlines():
            if b"were refused" in line and (said := _REFUSED.search(msgspec.json.decode(line)["message"])):
                yield from (Refused(job=int(job)) for job in said[1].split(", "))
