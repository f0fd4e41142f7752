"""The scenarios by name, with the sizes that are reported."""

from typing import Final

from dibs.bench.scenarios.drain import Drain
from dibs.bench.scenarios.enqueue import Enqueue
from dibs.bench.scenarios.feed import Feed
from dibs.bench.scenarios.pickup import Pickup
from dibs.bench.scenarios.scenario import Scenario

SUITE: Final[tuple[Scenario, ...]] = (
    Enqueue(name="enqueue.one.1", jobs=3_000, callers=1, payload_bytes=200),
    Enqueue(name="enqueue.one.10", jobs=10_000, callers=10, payload_bytes=200),
    Enqueue(name="enqueue.many", jobs=50_000, how="many", payload_bytes=200),
    Enqueue(name="enqueue.many.4k", jobs=10_000, how="many", payload_bytes=4_096),
    Drain(name="drain.20k", jobs=20_000),
    Drain(name="drain.20k.two", jobs=20_000, workers=2),
    Drain(name="drain.20k.200b", jobs=20_000, payload_bytes=200),
    Drain(name="drain.20k.4k", jobs=20_000, payload_bytes=4_096),
    Drain(name="drain.200k", jobs=200_000, seconds_max=600.0),
    Drain(name="drain.200k.two", jobs=200_000, workers=2, seconds_max=600.0),
    # What queues like to compare themselves by: 20,000 jobs, ten at a time, the start of the processes included.
    Drain(name="protocol", jobs=20_000, from_start=True),
    Drain(name="drain.1ms", jobs=5_000, body="sleep:0.001"),
    Drain(name="drain.50ms", jobs=1_000, body="sleep:0.05"),
    Drain(name="drain.failing", jobs=10_000, body="fail:0.05"),
    Feed(name="feed", jobs=10_000, payload_bytes=200),
    Pickup(name="pickup", jobs=402, payload_bytes=200),
)
"""`protocol` is meant for the profile `default` as well as for `best`."""


def scenario(name: str) -> Scenario:
    """The scenario of that name.

    Raises:
        KeyError: There is none.
    """
    return {each.name: each for each in SUITE}[name]
