"""`dibs demo`: see a worker run a few hundred jobs."""

from typing import Final

import click

from dibs.cli.target import Target, pass_target

SCHEMA_VARIABLE: Final = "DIBS_DEMO_SCHEMA"
"""Tells the worker process of the demo which schema it is in."""


@click.command()
@click.option("--jobs", type=click.IntRange(1, 100_000), default=300, show_default=True, help="How many jobs.")
@pass_target
def demo(target: Target, *, jobs: int) -> None:
    """See it run: a worker process, a batch of small jobs, some of which fail and are tried again.

    Leaves nothing behind: it has a schema of its own, dropped at the end, so any database will do.
    """
    if target.schema != "dibs":
        raise click.UsageError("the demo makes a schema of its own; --schema does not apply")
    from dibs.cli.database import run
    from dibs.cli.demonstrating import demonstrate

    run(demonstrate(target, jobs))
