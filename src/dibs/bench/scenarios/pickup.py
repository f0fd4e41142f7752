"""How long jobs wait that come at fixed times to a worker with nothing else to do."""

from dataclasses import dataclass

from dibs.bench import executions
from dibs.bench.driver import Stage
from dibs.bench.places import Place
from dibs.bench.result import Costs, spent
from dibs.bench.scenarios.scenario import Measured, Scenario, milliseconds, working
from dibs.bench.stage.sending import percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup(Scenario):
    """A wait begins when a job was to be sent, even if the sender was late. Jobs 0 and 1 go before, to warm up."""

    rate: float = 20.0
    callers: int = 10
    """Connections of the sender, where it needs one for each call."""

    async def measure(self, stage: Stage, place: Place, profile: str) -> Measured:
        """Send at fixed times."""
        await place.settle()
        before = await place.read()
        async with working(stage, profile) as workers:
            await self.warmed_up(stage, *workers)
            used = sum(worker.cpu_seconds() for worker in workers)
            await stage.call(
                "schedule", first=1, count=self.jobs - 2, rate=self.rate, callers=self.callers,
                payload_bytes=self.payload_bytes,
            )  # fmt: skip
            finished = await self.drain(stage, *workers)
            used = sum(worker.cpu_seconds() for worker in workers) - used
        sent, starts = executions.sent(stage.folder), stage.executions().starts
        waits = [start - due for due, start in zip(sent, starts, strict=True) if due and start]
        return Measured(
            finished=finished,
            seconds=0.0,  # the rate is given, not found
            costs=Costs(worker_cpu_seconds=used, worker_jobs=self.jobs - 1, **spent(before, await place.read())),
            pickup_ms=milliseconds(percentiles(waits)),
        )
