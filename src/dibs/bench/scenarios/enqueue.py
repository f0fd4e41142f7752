"""Enqueue jobs while nobody works; then have them executed, to see that they are all there."""

from dataclasses import dataclass, replace

from dibs.bench.driver import Stage
from dibs.bench.places import Place
from dibs.bench.result import Costs, spent
from dibs.bench.scenarios.scenario import Measured, Scenario, milliseconds, working


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue(Scenario):
    """The clock runs from the first call to the last return."""

    callers: int = 1
    how: str = "one"
    """`one` by one, or `many` at once."""

    async def measure(self, stage: Stage, place: Place, profile: str) -> Measured:
        """Enqueue, then drain."""
        await place.settle()
        before = await place.read()
        answer = await self.enqueue(stage, how=self.how, callers=self.callers)
        costs = Costs(**spent(before, await place.read()))
        async with working(stage, profile) as workers:
            finished = await self.drain(stage, *workers)
        return Measured(
            finished=finished,
            seconds=(answer["ended_ns"] - answer["began_ns"]) / 1e9,
            costs=replace(costs, sender_cpu_seconds=answer["calls_cpu_seconds"]),
            call_ms=milliseconds(answer["call_ns"]) if self.how == "one" else {},
        )
