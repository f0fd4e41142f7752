"""dibs on a database that is there already: what it does, beside what the server can do at all."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from dibs.bench import limits
from dibs.bench.limits import Limits
from dibs.bench.result import Result
from dibs.bench.run import run
from dibs.bench.scenarios.drain import Drain
from dibs.bench.scenarios.enqueue import Enqueue
from dibs.bench.scenarios.feed import Feed
from dibs.bench.scenarios.pickup import Pickup
from dibs.bench.scenarios.scenario import Scenario
from dibs.bench.scratch import ScratchSchema
from dibs.bench.systems.own import DIBS

PICKUP_JOBS_MAX: Final = 82
_PAYLOAD_BYTES: Final = limits.PAYLOAD_BYTES
_RATE_MIN: Final = 1_000
"""Jobs per second; what is slower is given up, but not before two minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What the server says of itself."""

    version: str
    synchronous_commit: str
    fsync: str
    is_visible: bool
    """True when its processes run on this machine, so that their CPU time can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All that was measured."""

    server: Server
    cores: int
    """Of this machine."""
    has_uvloop: bool
    limits: Limits
    results: Mapping[str, Result]
    """By the names of `STEPS`."""

    @property
    def is_sound(self) -> bool:
        """True when every count is right."""
        return all(result.wrong is None for result in self.results.values())


STEPS: Final[Mapping[str, str]] = {
    "enqueue_one": "jobs enqueued one by one, one caller",
    "enqueue_ten": "jobs enqueued one by one, ten callers",
    "enqueue_many": "jobs enqueued at once",
    "drain": "jobs run by one worker with ten slots",
    "drain_best": "jobs run by one worker with its best settings",
    "feed": "jobs enqueued by ten callers and run meanwhile",
    "pickup": "jobs sent to an idle worker, 20 a second",
}
"""What is measured, in words, in this order."""


def steps(jobs: int) -> dict[str, tuple[Scenario, str]]:
    """The scenarios and profiles, for a size of so many jobs."""
    few, some = max(jobs // 20, 20), max(jobs // 4, 20)
    scenarios: tuple[tuple[Scenario, str], ...] = (
        (Enqueue(name="enqueue_one", jobs=few, payload_bytes=_PAYLOAD_BYTES), "best"),
        (Enqueue(name="enqueue_ten", jobs=some, callers=10, payload_bytes=_PAYLOAD_BYTES), "best"),
        (Enqueue(name="enqueue_many", jobs=jobs, how="many", payload_bytes=_PAYLOAD_BYTES), "best"),
        (Drain(name="drain", jobs=jobs), "default"),
        (Drain(name="drain_best", jobs=jobs), "best"),
        (Feed(name="feed", jobs=some, payload_bytes=_PAYLOAD_BYTES), "best"),
        (Pickup(name="pickup", jobs=min(some, PICKUP_JOBS_MAX), payload_bytes=_PAYLOAD_BYTES), "default"),
    )
    return {each.name: (_patient(each), profile) for each, profile in scenarios}


def _patient(scenario: Scenario) -> Scenario:
    """The same with time enough for its jobs, however many they are."""
    return replace(scenario, seconds_max=max(scenario.seconds_max, scenario.jobs / _RATE_MIN))


async def survey(dsn: str, schema: str, jobs: int, begins: Callable[[str], None]) -> Survey:
    """Measure in a schema that is made and dropped; *begins* is told, in words, what comes next.

    Raises:
        ConfigError: The schema is somebody else's.
    """
    async with ScratchSchema.taken(dsn, schema) as place:
        begins("the server without a queue")
        found = await limits.measure(dsn, schema)
        results = {}
        for name, (scenario, profile) in steps(jobs).items():
            begins(f"{scenario.jobs:,} {STEPS[name]}")
            results[name] = await run(DIBS, scenario, profile=profile, place=place)
        return Survey(
            server=await _server(place),
            cores=os.cpu_count() or 1,
            has_uvloop=_has_uvloop(),
            limits=found,
            results=results,
        )


async def _server(place: ScratchSchema) -> Server:
    said: dict[str, Any] = {
        name: await place.connection.fetchval(f"select current_setting('{setting}')")
        for name, setting in (
            ("version", "server_version"), ("synchronous_commit", "synchronous_commit"), ("fsync", "fsync"),
        )
    }  # fmt: skip
    return Server(**said, is_visible=place.server_pid is not None)


def _has_uvloop() -> bool:
    from importlib.util import find_spec

    return find_spec("uvloop") is not None
