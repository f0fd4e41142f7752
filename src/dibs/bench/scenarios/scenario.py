"""What all scenarios have in common."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from dibs.bench.driver import Finished, Stage, StageError, Worker
from dibs.bench.places import Place
from dibs.bench.result import Costs

START_SECONDS_MAX: Final = 60.0
"""How long the workers' processes may take until the first of them starts a job."""

UNCHANGED_SECONDS_MAX: Final = 20.0
"""How long the system's own count may stand still before it is believed."""

FINISHED_SECONDS_MAX: Final = 30.0
"""And how long it may take to come to its end once all jobs have been executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a scenario has measured; the executions are counted later."""

    seconds: float
    finished: int | None
    """Jobs that the system itself says have finished."""
    costs: Costs = field(default_factory=Costs)
    call_ms: Mapping[str, float] = field(default_factory=dict)
    pickup_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(ABC):
    """One thing that is done with so many jobs."""

    name: str
    jobs: int
    payload_bytes: int | None = None
    """Length of the text among the arguments."""
    body: str = "noop"
    """What tasks do; see `tally`."""
    seconds_max: float = 120.0
    """How long the executions may take, from the first one on, before the run is given up."""

    @property
    def fail_every(self) -> int:
        """Of how many jobs one fails, once; 0: none does."""
        kind, _, share = self.body.partition(":")
        return round(1 / float(share)) if kind == "fail" else 0

    @property
    def failures(self) -> int:
        """How many jobs fail, once each."""
        return self.jobs // self.fail_every if self.fail_every else 0

    @property
    def body_seconds(self) -> float:
        """How long a task waits."""
        kind, _, seconds = self.body.partition(":")
        return float(seconds) if kind == "sleep" else 0.0

    @abstractmethod
    async def measure(self, stage: Stage, place: Place, profile: str) -> Measured:
        """Do it, and have every job executed by the end."""

    async def enqueue(self, stage: Stage, *, how: str, callers: int = 1, first: int = 0) -> dict[str, Any]:
        """Enqueue all jobs from number *first* on."""
        return await stage.call(
            "enqueue", first=first, count=self.jobs - first, callers=callers, payload_bytes=self.payload_bytes, how=how
        )

    async def fill(self, stage: Stage) -> None:
        """Enqueue all jobs, as fast as the system can."""
        await self.enqueue(stage, how="fill", callers=10)

    async def drain(self, stage: Stage, *workers: Worker) -> int | None:
        """Wait until all jobs are executed, and the system knows it; gives how many it says have finished.

        Nothing when time runs out: a system that is still at it would be waited for to its end.
        """
        async with self.asking(stage) as ask:
            return (await ask()).finished if await self.executed(stage, *workers) else None

    def asking(self, stage: Stage) -> AbstractAsyncContextManager[Callable[[], Awaitable[Finished]]]:
        """Make ready to ask the system, when all is executed, how many jobs have finished."""
        return stage.asking(self.jobs, unchanged_seconds_max=UNCHANGED_SECONDS_MAX, seconds_max=FINISHED_SECONDS_MAX)

    async def executed(self, stage: Stage, *workers: Worker) -> bool:
        """Wait until all jobs have started, and all executions that have to be have been seen; false if time is up."""
        return await stage.executed(self.jobs, self.jobs + self.failures, self.seconds_max, *workers)

    async def warmed_up(self, stage: Stage, *workers: Worker) -> None:
        """Have job 0 executed: the workers are there."""
        await stage.call("enqueue", first=0, count=1, callers=1, payload_bytes=self.payload_bytes, how="one")
        await self.begun(stage, *workers)

    async def begun(self, stage: Stage, *workers: Worker) -> None:
        """Wait until the first execution has started.

        Raises:
            StageError: None has within `START_SECONDS_MAX`.
        """
        if not await stage.executed(1, 1, START_SECONDS_MAX, *workers):
            raise StageError(f"no job was started within {START_SECONDS_MAX:g} s")


@asynccontextmanager
async def working(stage: Stage, profile: str, count: int = 1) -> AsyncIterator[list[Worker]]:
    """Run so many workers."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(stage.worker(profile)) for _ in range(count)]


def milliseconds(nanoseconds: Mapping[str, int]) -> dict[str, float]:
    """The same in milliseconds."""
    return {name: round(value / 1e6, 3) for name, value in nanoseconds.items()}
