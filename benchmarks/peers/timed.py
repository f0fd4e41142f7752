"""A drain that ends when its time is up, however far the system has come."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import fields

from dibs.bench import executions
from dibs.bench.driver import Finished, Stage
from dibs.bench.scenarios.drain import Drain


class TimedDrain(Drain):
    """Does not ask a system that is out of time what it has finished: it would be waited for until it has."""

    @classmethod
    def of(cls, drain: Drain, seconds_max: float) -> "TimedDrain":
        """The same drain with this limit."""
        known = {field.name: getattr(drain, field.name) for field in fields(drain)}
        return cls(**known | {"seconds_max": seconds_max})

    @asynccontextmanager
    async def asking(self, stage: Stage) -> AsyncIterator[Callable[[], Awaitable[Finished]]]:
        """As ever; the answer is nothing when not all is executed."""
        async with super().asking(stage) as ask:

            async def answer() -> Finished:
                distinct, total = executions.count(stage.folder, stage.jobs)
                is_out_of_time = distinct < self.jobs or total < self.jobs + self.failures
                return Finished(None, time.monotonic_ns()) if is_out_of_time else await ask()

            yield answer
