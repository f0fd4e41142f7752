"""Run one scenario with one system."""

import asyncio
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Final

from dibs.bench.driver import Stage, StageError, System
from dibs.bench.places import Place
from dibs.bench.result import Result
from dibs.bench.scenarios.scenario import Measured, Scenario
from dibs.bench.verdict import count, wrong

RUN_SECONDS_MAX: Final = 240.0
"""Enqueueing, executing and stopping together, beyond the time that the executions have; what hangs is given up."""


async def run(system: System, scenario: Scenario, *, profile: str, place: Place) -> Result:
    """Reset the place, make the system's tables, measure, and count.

    A system that fails, or hangs, gets a void result with the counts it came to.
    """
    folder = Path(tempfile.mkdtemp(prefix="dibs-bench-"))
    try:
        stage = Stage(
            system=system,
            url=await place.reset(),
            folder=folder,
            jobs=scenario.jobs,
            body=scenario.body,
            environment=place.environment,
        )
        measured, failure = Measured(seconds=0.0, finished=None), None
        seconds_max = RUN_SECONDS_MAX + scenario.seconds_max
        try:
            async with asyncio.timeout(seconds_max) as limit:
                await stage.call("prepare")
                measured = await scenario.measure(stage, place, profile)
        except StageError as error:
            failure = str(error)
        except TimeoutError as error:
            failure = f"it was not over within {seconds_max:g} s" if limit.expired() else str(error) or repr(error)
        counts = count(stage.executions(), fail_every=scenario.fail_every, finished=measured.finished)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Result(
        system=system.name,
        profile=profile,
        scenario=scenario.name,
        settings={key: value for key, value in asdict(scenario).items() if key != "name"},
        counts=counts,
        seconds=measured.seconds,
        costs=measured.costs,
        call_ms=measured.call_ms,
        pickup_ms=measured.pickup_ms,
        wrong=failure or wrong(counts),
    )
