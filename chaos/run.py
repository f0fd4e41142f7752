"""`make chaos`: real workers and producers under a nemesis, on a Postgres of their own, and a verdict on the history.

    python -m chaos.run                                     a million jobs, most of an hour on two cores
    python -m chaos.run --jobs 50000 --seed 7               fewer, and another schedule of strikes
    python -m chaos.run --jobs 5000 --nemeses kill,crash    only these
    python -m chaos.run --jobs 5000 --broken fence_removed  a broken build, which must fail

The verdict of a complete run is written to chaos/results, that of any other one to .chaos, where all histories are.
The exit code is 0 when every law holds, 1 when one does not, 130 after Ctrl-C or SIGTERM.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.report.machine import machine, versions
from chaos import notes, verdict
from chaos.broken import WAYS
from chaos.crew import ROOT
from chaos.history import gather
from chaos.nemesis import LEFT_OUT, NEEDS_VOLUME, NEMESES, NO_VOLUME
from chaos.server import Server
from chaos.trial import Trial, conduct
from chaos.volume import volume

COMPLETE_JOBS: Final = 1_000_000
RESULTS: Final = Path(__file__).parent / "results"
JOBS_PER_SECOND: Final = 500
"""At which producers send when no length is given."""

SECONDS_MIN: Final = 15.0
"""A run in which each nemesis can strike once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for."""

    jobs: int
    seconds: float
    seed: int
    nemeses: tuple[str, ...]
    workers: int
    drain: float
    broken: str | None
    folder: Path

    @property
    def is_complete(self) -> bool:
        """Whether its verdict is one to keep."""
        return self.jobs >= COMPLETE_JOBS and set(self.nemeses) == set(NEMESES) and self.broken is None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; gives the exit code."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(options)
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("interrupted; nothing is judged", err=True)
        return 130


def _run(options: Options) -> int:
    began = datetime.now(UTC)
    folder = options.folder.resolve() / began.strftime("%Y-%m-%dT%H%M%S")
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        small = stack.enter_context(volume(place / "disk", options.jobs)) if NEEDS_VOLUME in options.nemeses else None
        trial = Trial(
            jobs=options.jobs,
            seconds=options.seconds,
            seed=options.seed,
            nemeses=tuple(name for name in options.nemeses if small or name != NEEDS_VOLUME),
            workers=options.workers,
            drain_seconds=options.drain,
            broken=options.broken,
            history=folder / "history",
        )
        server = stack.enter_context(Server(small.folder if small else place))
        version = asyncio.run(conduct(trial, server, place, small))
    judged = verdict.judge(gather(notes.read(trial.history)))
    about = _about(options, trial, began) | {"machine": machine(), "versions": versions(version)}
    file = RESULTS / f"{began.date().isoformat()}.json" if options.is_complete else folder / "verdict.json"
    verdict.write(judged, about, file)
    click.echo(f"{verdict.page(judged, about)}\n{file}\n{trial.history}")
    return 0 if judged.has_passed else 1


def _about(options: Options, trial: Trial, began: datetime) -> dict[str, Any]:
    missing = {name: NO_VOLUME for name in options.nemeses if name not in trial.nemeses}
    return {
        "date": began.date().isoformat(),
        "seconds": round((datetime.now(UTC) - began).total_seconds()),
        "jobs": trial.jobs,
        "sent within seconds": trial.seconds,
        "seed": trial.seed,
        "workers": trial.workers,
        "nemeses": ", ".join(trial.nemeses) or "none",
        "left out": LEFT_OUT | missing,
        "build": f"broken: {trial.broken}" if trial.broken else "whole",
    }


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=COMPLETE_JOBS)
    parser.add_argument("--seconds", type=float, help=f"to send them in; default: {JOBS_PER_SECOND} jobs a second")
    parser.add_argument("--seed", type=int, default=1, help="of the load and the schedule of strikes")
    parser.add_argument("--nemeses", type=_nemeses, default=tuple(NEMESES), help=f"of {', '.join(NEMESES)}; '': none")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--drain", type=float, default=90.0, help="seconds without any ending to give up after")
    parser.add_argument("--broken", choices=WAYS, help="run workers that are broken on purpose")
    parser.add_argument("--folder", type=Path, default=ROOT / ".chaos")
    given = parser.parse_args(arguments)
    given.seconds = given.seconds or max(SECONDS_MIN, given.jobs / JOBS_PER_SECOND)
    return Options(**vars(given))


def _nemeses(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    if unknown := set(names) - set(NEMESES):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(NEMESES)}, got {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    sys.exit(main())
