"""Enqueue one by one while a worker works off what comes."""

from dataclasses import dataclass

from dibs.bench.driver import Stage
from dibs.bench.places import Place
from dibs.bench.result import Costs, spent
from dibs.bench.scenarios.scenario import Measured, Scenario, milliseconds, working


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(Scenario):
    """The clock runs from the first call to the start of the last execution. Job 0 goes before, to warm up.

    Unlike that of a drain it does not wait for the last endings to be recorded, of dibs as of others.
    """

    callers: int = 10
    workers: int = 1

    async def measure(self, stage: Stage, place: Place, profile: str) -> Measured:
        """Feed and drain."""
        await place.settle()
        before = await place.read()
        async with working(stage, profile, self.workers) as workers:
            await self.warmed_up(stage, *workers)
            used = sum(worker.cpu_seconds() for worker in workers)
            answer = await self.enqueue(stage, how="one", callers=self.callers, first=1)
            finished = await self.drain(stage, *workers)
            used = sum(worker.cpu_seconds() for worker in workers) - used
        costs = Costs(
            worker_cpu_seconds=used,
            worker_jobs=self.jobs - 1,
            sender_cpu_seconds=answer["calls_cpu_seconds"],
            **spent(before, await place.read()),
        )
        return Measured(
            finished=finished,
            seconds=(stage.executions().last_ns - answer["began_ns"]) / 1e9,
            costs=costs,
            call_ms=milliseconds(answer["call_ns"]),
        )
