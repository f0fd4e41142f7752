"""`make endurance`: long runs, and a verdict on each.

    python -m chaos.endurance pinned --minutes 60     workers under a held snapshot: do they become slower?
    python -m chaos.endurance leak --jobs 1000000     the memory of one worker
    python -m chaos.endurance stops --times 100       a worker started and stopped under load

The verdict of a complete run (these sizes or more) is written to chaos/results, that of a smaller one to
.chaos. The exit code is 0 when every law holds, 1 when one does not, 130 after Ctrl-C or SIGTERM.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import click

from benchmarks.report.machine import machine, versions
from chaos.crew import ROOT
from chaos.endurance import verdict
from chaos.endurance.leak import Leak
from chaos.endurance.pinned import Pinned
from chaos.endurance.place import place
from chaos.endurance.stops import Stops

RESULTS: Final = Path(__file__).parents[1] / "results"
Run: TypeAlias = Pinned | Leak | Stops

COMPLETE: Final = {"pinned": ("minutes", 60), "leak": ("jobs", 1_000_000), "stops": ("times", 100)}
"""The size of a run whose verdict is one to keep."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; gives the exit code."""
    given = vars(_parser().parse_args(arguments))
    folder, part, make = given.pop("folder"), given.pop("part"), given.pop("make")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return asyncio.run(_run(make(**given), part, given, folder))
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("interrupted; nothing is judged", err=True)
        return 130


async def _run(run: Run, part: str, settings: dict[str, Any], folder: Path) -> int:
    began = datetime.now(UTC)
    async with place() as here:
        judged = await run.run(here)
        version = await here.version()
    about = {
        "part": part,
        "date": began.date().isoformat(),
        "seconds": round((datetime.now(UTC) - began).total_seconds()),
        **settings,
        "machine": machine(),
        "versions": versions(version),
    }
    size, complete = COMPLETE[part]
    is_complete = settings[size] >= complete
    name = f"endurance-{part}.json"
    file = RESULTS / f"{began.date()}-{name}" if is_complete else folder / f"{began:%Y-%m-%dT%H%M%S}-{name}"
    verdict.write(judged, about, file)
    click.echo(f"{verdict.page(judged, about)}\n{file}")
    return 0 if judged.has_passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / ".chaos", help="for the verdicts of smaller runs")
    parts = parser.add_subparsers(dest="part", required=True)
    pinned = parts.add_parser("pinned")
    pinned.add_argument("--minutes", type=float, default=COMPLETE["pinned"][1])
    pinned.add_argument("--rows", type=int, default=60, help="how often to measure")
    pinned.add_argument("--rate", type=int, default=200, help="jobs a second")
    pinned.set_defaults(make=Pinned)
    leak = parts.add_parser("leak")
    leak.add_argument("--jobs", type=int, default=COMPLETE["leak"][1])
    leak.set_defaults(make=Leak)
    stops = parts.add_parser("stops")
    stops.add_argument("--times", type=int, default=COMPLETE["stops"][1])
    stops.set_defaults(make=Stops)
    return parser


if __name__ == "__main__":
    sys.exit(main())
