"""What `dibs bench` does."""

import asyncio
import json
import signal
import sys
import textwrap
from dataclasses import asdict

import click
from rich.table import Table

from dibs.bench.reading import read
from dibs.bench.result import Result
from dibs.bench.survey import STEPS, Survey, survey
from dibs.cli.database import located
from dibs.cli.tables import console
from dibs.cli.target import Target, UnfulfilledError
from dibs.storage.connect import redact

_WIDTH = 100


async def measure(target: Target, jobs: int) -> Survey:
    """Measure, and leave nothing behind, be it that it is interrupted."""
    here = asyncio.current_task()
    assert here is not None  # noqa: S101 - for the type checker: coroutines run in tasks
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, here.cancel)
    try:
        async with located(target, creates=True) as dsn:
            click.echo(f"dibs bench on {redact(dsn)}, in the scratch schema {target.schema}", err=True)
            return await survey(dsn, target.schema, jobs, lambda what: click.echo(f"  {what} ...", err=True))
    except asyncio.CancelledError:
        raise UnfulfilledError("interrupted; the scratch schema has been dropped") from None


def shown_as_json(found: Survey) -> str:
    """All that was measured, and the reading, as one object."""
    return json.dumps(
        {
            "server": asdict(found.server),
            "cores": found.cores,
            "limits": found.limits.as_json(),
            "results": {name: result.as_json() for name, result in found.results.items()},
            "reading": asdict(read(found)),
        },
        indent=2 if sys.stdout.isatty() else None,
    )


def show(found: Survey) -> None:
    """The figures, and what they mean."""
    out = console()
    out.print()
    out.print(_table(found))
    reading = read(found)
    for sentence in reading.sentences:
        click.echo("\n" + textwrap.fill(sentence, _WIDTH))
    if reading.brake is not None:
        click.echo("\n" + textwrap.fill(f"What holds running jobs back: {reading.brake.why}.", _WIDTH))
        click.echo(textwrap.fill(reading.brake.advice, _WIDTH))
    for warning in reading.warnings:
        click.echo("\n" + textwrap.fill(f"! {warning}", _WIDTH))


def _table(found: Survey) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    for column in ("jobs", "jobs/s", "ms p50", "ms p99", "lost", "repeated"):
        table.add_column(column, justify="right")
    limits = found.limits
    table.add_row("a query that does nothing", "", "", f"{limits.round_trip_ms:.2f}", "", "", "")
    table.add_row(
        "bare INSERT with commit, ten connections", "", f"{limits.inserts_per_second:,.0f}",
        f"{limits.insert_ms:.2f} alone", "", "", "",
    )  # fmt: skip
    table.add_row("bare COPY", "", f"{limits.copied_per_second:,.0f}", "", "", "", "")
    for name, result in found.results.items():
        table.add_row(STEPS[name], *_cells(result))
    return table


def _cells(result: Result) -> tuple[str, ...]:
    counts = result.counts
    rate = "void" if result.wrong else "" if result.rate is None else f"{result.rate:,.0f}"
    times = {} if result.wrong else result.call_ms or result.pickup_ms
    middle, tail = (f"{times[name]:.2f}" if name in times else "" for name in ("p50", "p99"))
    return f"{counts.jobs:,}", rate, middle, tail, f"{counts.lost:,}", f"{counts.repeated:,}"
