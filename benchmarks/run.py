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
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.bad_days.day import Site
from benchmarks.bad_days.days import DAYS
from benchmarks.costs import read_costs
from benchmarks.ground import fresh
from benchmarks.limits.levels import Measure, levels
from benchmarks.peers.plan import Round, fitted, rounds
from benchmarks.report import results as kept
from benchmarks.report import tables
from benchmarks.report.machine import machine, versions
from benchmarks.report.medians import medians
from benchmarks.servers import Server, postgres
from dibs.bench.places import FreshDatabase
from dibs.bench.run import run
from dibs.bench.systems.own import DIBS

PARTIAL: Final = Path(__file__).parents[1] / ".bench" / "results"

REPEATS: Final = 3
"""Of each limit; the middle one counts. A bad day is measured once, with a clean run beside it."""

Part = Callable[[], Awaitable[tuple[str, dict[str, Any]]]]
"""Measures, and gives the section of the results with the entry for it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; gives the exit code, 1 when anything failed or did not count up."""
    options = _options(arguments)
    is_complete = options.scale == 1 and options.only is None
    folder = kept.FOLDER if is_complete else PARTIAL
    with postgres() as server:
        results = asyncio.run(_run(server, options.scale, options.only, folder))
    entries = [*results["scenarios"], *results["limits"], *results["bad_days"]]
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
        "settings": dict(server.settings), "scenarios": [], "limits": [], "bad_days": [], "failures": [],
    }  # fmt: skip
    for name, part in _parts(server, scale):
        if only is None or name == only or name.startswith(f"{only}."):
            await _take(name, part, results)
            kept.write(PARTIAL / "running.json", results)  # a run that is cut short is not lost
    results["limits"] = medians(results["limits"])
    file = folder / kept.path_of(date).name
    kept.write(file, results)
    file.with_suffix(".md").write_text(tables.page(results), "utf-8")
    click.echo(f"{file}\n{file.with_suffix('.md')}")
    return results


async def _take(name: str, part: Part, results: kept.Results) -> None:
    """Measure one part. One that fails is named, and the others go on."""
    began = time.monotonic()
    try:
        section, entry = await part()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other parts are worth having
        traceback.print_exc()
        results["failures"].append({"name": name, "error": f"{type(error).__name__}: {error}"})
        return
    results[section].append(entry)
    rate = f"{entry['rate']:>12,.0f}/s" if isinstance(entry["rate"], float) else " " * 14
    took = time.monotonic() - began
    click.echo(f"{took:6.1f} s  {rate}  {entry['name']}  {entry['wrong'] or ''}", err=True)


def _parts(server: Server, scale: float) -> list[tuple[str, Part]]:
    groups = [(f"limits.{group}", one) for group, measures in levels(scale).items() for one in measures]
    return [
        *((f"scenarios.{each.scenario.name}", _scenario(server, scale, each)) for each in rounds(None)),
        # All once, then all again: what disturbs the machine for a while does not hit one of them alone.
        *((name, _level(server, measure)) for _ in range(REPEATS) for name, measure in groups),
        *((f"bad_days.{name}", _bad_day(server, scale, name)) for name in DAYS),
    ]


def _scenario(server: Server, scale: float, each: Round) -> Part:
    async def take() -> tuple[str, dict[str, Any]]:
        place = FreshDatabase(server.dsn, server.pid, name="bench_scenario")
        scenario = fitted(each.scenario, None, quick=scale < 1) or each.scenario
        try:
            result = await run(DIBS, scenario, profile=each.profile, place=place)
        finally:
            await place.drop()
        return "scenarios", {"name": each.name, **result.as_json()}

    return take


def _level(server: Server, measure: Measure) -> Part:
    async def take() -> tuple[str, dict[str, Any]]:
        async with fresh(server.dsn, "bench_limits") as ground:
            return "limits", (await measure(server, ground)).as_json()

    return take


def _bad_day(server: Server, scale: float, name: str) -> Part:
    async def take() -> tuple[str, dict[str, Any]]:
        async with fresh(server.dsn, "bench_beside") as beside:
            before = await read_costs(beside, server.pid)
            day = await DAYS[name](Site(server=server, scale=scale))
            costs = await read_costs(beside, server.pid) - before
        foreign = round(max(costs.foreign_cpu_seconds, 0.0) / costs.seconds, 2)
        return "bad_days", {**day.as_json(), "foreign_cores": foreign}

    return take


if __name__ == "__main__":
    sys.exit(main())
