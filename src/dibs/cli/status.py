"""`dibs status`: how long the lines are, and who works on them."""

import contextlib

import click

from dibs.cli.once import Once
from dibs.cli.target import Target, UnfulfilledError, pass_target
from dibs.cli.words import some


@click.command(cls=Once)
@click.option("--json", "as_json", is_flag=True, help="Print one object (with --watch: one for each look, in a line).")
@click.option("--check", is_flag=True, help="Exit with 1 when something is wrong, as jobs that no live worker serves.")
@click.option("--watch", is_flag=True, help="Look again every --interval seconds, until Ctrl-C.")
@click.option("--interval", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, metavar="SECONDS",
              help="Time between two looks of --watch.")  # fmt: skip
@pass_target
def status(target: Target, *, as_json: bool, check: bool, watch: bool, interval: float) -> None:
    """Show queues and workers."""
    if watch and check:
        raise click.UsageError("--check looks once; it does not go together with --watch")
    from dibs.cli import watching
    from dibs.cli.database import run

    if watch:
        with contextlib.suppress(KeyboardInterrupt):
            run(watching.watch(target, interval, as_json=as_json))
        return
    problems = run(watching.look_once(target, as_json=as_json))
    if check and problems:
        raise UnfulfilledError(f"{some(len(problems), 'problem')} found")  # each is told above
