"""`make bench`: dibs' scenarios, limits and bad days in one run, on a Postgres of its own.

    python -m benchmarks.run                                  everything, about half an hour on two cores
    python -m benchmarks.run --scale 0.01                     the same in small, to see that it runs
    python -m benchmarks.run --only bad_days.pinned_snapshot  one part (also: limits, limits.drain, bad_days, ...)

A complete run at full scale is written to benchmarks/results; any other one to .bench/results.
"""

import argparse
import asyncio
import sys
import time
import traceback
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.alone import alone
from benchmarks.bad_days import clean
from benchmarks.bad_days.day import Site
from benchmarks.bad_days.days import DAYS
from benchmarks.costs import costs_since, read_costs
from benchmarks.ground import fresh
from benchmarks.limits.levels import Measure, levels
from benchmarks.peers.circumstances import environment_of
from benchmarks.peers.plan import Round, rounds
from benchmarks.report import results as kept
from benchmarks.report import tables
from benchmarks.report.machine import machine, versions
from benchmarks.servers import Server, postgres
from benchmarks.stopping import until_told_to_end
from benchmarks.takes import TAKES_MAX, Entry, Take, medians, undisturbed
from dibs.bench.places import FreshDatabase
from dibs.bench.run import run
from dibs.bench.scenarios.pickup import Pickup
from dibs.bench.scenarios.scenario import Scenario
from dibs.bench.systems.own import DIBS

PARTIAL: Final = Path(__file__).parents[1] / ".bench" / "results"

REPEATS: Final = 3
"""Of each limit and each scenario but the long ones; the middle one counts. In small, once has to do.

Bad days are measured once, and their clean runs at the beginning, in the middle and at the end."""

JOBS_MIN: Final = 100
JOBS_OF_LONG: Final = 200_000


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement of a run."""

    name: str
    """Its section in the results, and what it is."""
    measure: Take

    @property
    def section(self) -> str:
        """The list that its entry goes to."""
        return self.name.split(".")[0]

    def is_in(self, wanted: str | None) -> bool:
        """Whether it is asked for: by its name, or by the beginning of it."""
        return wanted is None or f"{self.name}.".startswith(f"{wanted}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; gives the exit code, 1 when anything failed or did not count up."""
    options = _options(arguments)
    is_complete = options.scale == 1 and options.only is None
    folder = kept.FOLDER if is_complete else PARTIAL
    with until_told_to_end(), alone(), postgres() as server:
        results = asyncio.run(_run(server, options.scale, options.only, folder))
    entries = [*results["scenarios"], *results["limits"], *results["clean"], *results["bad_days"]]
    return 1 if results["failures"] or any(entry["wrong"] for entry in entries) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes; 1 is what is reported")
    parser.add_argument("--only", metavar="PART", help="the parts whose name begins so")
    return parser.parse_args(arguments)


async def _run(server: Server, scale: float, only: str | None, folder: Path) -> kept.Results:
    date = datetime.now(UTC).date().isoformat()
    results: kept.Results = {
        "date": date, "scale": scale, "machine": machine(), "versions": versions(server.version),
        "settings": dict(server.settings), "scenarios": [], "limits": [], "clean": [], "bad_days": [], "failures": [],
    }  # fmt: skip
    for step in _steps(server, scale, only):
        await _take(step, results)
        kept.write(PARTIAL / "running.json", results)  # a run that is cut short is not lost
    for section in ("scenarios", "limits"):
        results[section] = medians(results[section])
    sizes = {name: kind.clean for name, kind in DAYS.items()}
    results["bad_days"] = clean.compared(results["bad_days"], results["clean"], sizes)
    file = folder / kept.path_of(date).name
    kept.write(file, results)
    file.with_suffix(".md").write_text(tables.page(results), "utf-8")
    click.echo(f"{file}\n{file.with_suffix('.md')}")
    return results


async def _take(step: Step, results: kept.Results) -> None:
    """Measure. What fails is named, and the others go on."""
    began = time.monotonic()
    try:
        entry = await undisturbed(step.measure, TAKES_MAX if results["scale"] >= 1 else 1)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other steps are worth having
        traceback.print_exc()
        results["failures"].append({"name": step.name, "error": f"{type(error).__name__}: {error}"})
        return
    results[step.section].append(entry)
    rate = f"{entry['rate']:>12,.0f}/s" if isinstance(entry["rate"], float) else " " * 14
    took = time.monotonic() - began
    click.echo(f"{took:6.1f} s  {rate}  {step.name}  {entry['wrong'] or ''}", err=True)


def _steps(server: Server, scale: float, only: str | None) -> list[Step]:
    limits = [
        Step(f"limits.{group}.{measure.func.__module__.rpartition('.')[2]}", partial(_level, server, measure))
        for group, measures in levels(scale).items()
        for measure in measures
    ]
    scenarios = [
        (each, Step(f"scenarios.{each.scenario.name}", partial(_scenario, server, scale, each))) for each in rounds()
    ]
    days = [Step(f"bad_days.{name}", partial(_bad_day, server, scale, name)) for name in DAYS]
    repeats = REPEATS if scale >= 1 else 1
    repeated = [
        # All once, then all again: what disturbs the machine for a while does not hit one of them alone.
        *(step for nth in range(repeats) for each, step in scenarios if not (nth and _is_long(each.scenario))),
        *(step for _ in range(repeats) for step in limits),
    ]
    wanted = [step for step in days if step.is_in(only)]
    return [*(step for step in repeated if step.is_in(only)), *_with_clean_runs(server, scale, wanted)]


def _with_clean_runs(server: Server, scale: float, days: Sequence[Step]) -> list[Step]:
    """The days, with the clean runs they are compared with before them, in their middle, and behind."""
    sizes = {DAYS[day.name.partition(".")[2]].clean for day in days} - {None}
    runs = [Step(f"clean.{size}", partial(_clean, server, scale, size)) for size in clean.SIZES if size in sizes]
    middle = len(days) // 2
    return [*runs, *days[:middle], *runs, *days[middle:], *runs]


def _is_long(scenario: Scenario) -> bool:
    """True when one round takes twenty seconds. It has hundreds of latencies or ten times the jobs, and is run once."""
    return isinstance(scenario, Pickup) or scenario.jobs >= JOBS_OF_LONG


def _scaled(scenario: Scenario, scale: float) -> Scenario:
    """With as many of its jobs as the run's scale says, and time for them."""
    jobs = max(round(scenario.jobs * scale), JOBS_MIN)
    return replace(scenario, jobs=jobs, seconds_max=scenario.seconds_max * max(scale, 1.0))


async def _scenario(server: Server, scale: float, each: Round) -> Entry:
    environment = environment_of(DIBS, each.profile)
    place = FreshDatabase(server.dsn, server.pid, name="bench_scenario", environment=environment)
    try:
        result = await run(DIBS, _scaled(each.scenario, scale), profile=each.profile, place=place)
    finally:
        await place.drop()
    return {"name": each.name, **result.as_json()}


async def _level(server: Server, measure: Measure) -> Entry:
    async with fresh(server.dsn, "bench_limits") as ground:
        return (await measure(server, ground)).as_json()


async def _clean(server: Server, scale: float, size: str) -> Entry:
    return await _beside(server, clean.measure(Site(server=server, scale=scale), size))


async def _bad_day(server: Server, scale: float, name: str) -> Entry:
    async def measured() -> Entry:
        return (await DAYS[name].measure(Site(server=server, scale=scale))).as_json()

    return await _beside(server, measured())


async def _beside(server: Server, measured: Coroutine[Any, Any, Entry]) -> Entry:
    """The entry, with what others on the machine used meanwhile."""
    async with fresh(server.dsn, "bench_beside") as beside:
        before = await read_costs(beside, server.pid)
        entry = await measured
        costs = await costs_since(before, beside, server.pid)
    return {**entry, "foreign_cores": costs.foreign_cores}


if __name__ == "__main__":
    sys.exit(main())
