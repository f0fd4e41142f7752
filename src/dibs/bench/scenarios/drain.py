"""Work off a line of waiting jobs."""

import time
from dataclasses import dataclass
from typing import Any

from dibs.bench import executions
from dibs.bench.driver import Finished, Stage, Worker
from dibs.bench.places import Place
from dibs.bench.result import Costs, spent
from dibs.bench.scenarios.scenario import Measured, Scenario, working


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain(Scenario):
    """The clock runs from the first execution's start until the system says that all jobs have finished.

    So the last commit is within. With *from_start* it runs from the start of the processes. The system is asked as soon
    as the last execution has been seen, in a process that stands ready; the clock stops when the question was put that
    got the answer "all", so that how long an adapter takes to answer counts for nobody. That the last execution is seen
    late by up to `driver.poll_seconds` counts against all alike. Where a system can not say what has finished, the
    clock stops at the end of the last execution. What is left out, for all alike: the first claim, which can not be
    seen from outside; with *from_start* nothing is.
    """

    workers: int = 1
    from_start: bool = False

    async def measure(self, stage: Stage, place: Place, profile: str) -> Measured:
        """Fill, let it settle, drain."""
        await self.fill(stage)
        await place.settle()
        before = await place.read()
        async with self.asking(stage) as ask, working(stage, profile, self.workers) as workers:
            await self.begun(stage, *workers)
            first = _Sample.of(stage, workers)
            is_done = await self.executed(stage, *workers)
            noticed_ns = time.monotonic_ns()
            # One that is still at it would be waited for to its end.
            said = await ask() if is_done else Finished(None, noticed_ns)
            last = _Sample.of(stage, workers)
            rss_bytes = sum(worker.rss_bytes() for worker in workers)
        found = stage.executions()
        began_ns = workers[0].started_ns if self.from_start else found.first_ns
        # A first start is written down; the second one of a job that failed is only noticed.
        executed_ns = noticed_ns if self.failures else found.last_ns + int(self.body_seconds * 1e9)
        ended_ns = max(executed_ns, said.asked_ns) if said.finished == self.jobs else executed_ns
        return Measured(
            finished=said.finished,
            seconds=(ended_ns - began_ns) / 1e9,
            costs=Costs(**last.since(first), worker_rss_bytes=rss_bytes or None, **spent(before, await place.read())),
        )


@dataclass(frozen=True, slots=True)
class _Sample:
    """How far the workers had come, and what they had used for it."""

    jobs: int
    cpu_seconds: float

    @staticmethod
    def of(stage: Stage, workers: list[Worker]) -> "_Sample":
        used = sum(worker.cpu_seconds() for worker in workers)
        return _Sample(executions.count(stage.folder, stage.jobs)[0], used)

    def since(self, earlier: "_Sample") -> dict[str, Any]:
        """As fields of `Costs`."""
        return {
            "worker_cpu_seconds": self.cpu_seconds - earlier.cpu_seconds,
            "worker_jobs": self.jobs - earlier.jobs,
        }
