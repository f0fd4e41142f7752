"""The producers of a run: real processes, started together and waited for."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from chaos.crew import ROOT, environment
from chaos.producer import Load, slow_share

PRODUCERS: Final = 2
NUMBERS: Final = 10**9
"""For each producer: more than it will need, however often it is not answered."""

FEW: Final = 10_000
"""Jobs that one producer sends alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What all producers of a run send together."""

    jobs: int
    seconds: float
    seed: int


@contextlib.asynccontextmanager
async def producers(total: Total, dsn: str, history: Path) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Start them; whoever still sends at the end is killed."""
    started: list[asyncio.subprocess.Process] = []
    try:
        for load in _loads(total):
            started.append(await _start(load, environment(dsn, history)))  # noqa: PERF401 - each is known at once
        yield started
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def succeed(producer: asyncio.subprocess.Process) -> None:
    """Wait until it has sent what it was to send.

    Raises:
        RuntimeError: It ended with an error.
    """
    if code := await producer.wait():
        raise RuntimeError(f"a producer ended with exit code {code}")


def _loads(total: Total) -> Iterator[Load]:
    count = 1 if total.jobs < FEW else PRODUCERS
    share = total.jobs // count
    for nth in range(count):
        yield Load(
            first=nth * NUMBERS,
            jobs=share if nth else total.jobs - share * (count - 1),
            seconds=total.seconds,
            slow_share=slow_share(total.jobs, total.seconds),
            seed=total.seed + nth,
        )


async def _start(load: Load, env: Mapping[str, str]) -> asyncio.subprocess.Process:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(load).items()]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chaos.producer", *options, cwd=ROOT, env=env, stdin=asyncio.subprocess.DEVNULL
    )
