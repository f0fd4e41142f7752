"""`dibs prune`: remove finished jobs now."""

import re
from datetime import timedelta
from typing import Final

import click

from dibs.cli.target import Target, pass_target

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DAYS_MAX: Final = 36_600
"""A hundred years: what Postgres can take off a moment."""


def _age(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """A duration such as `30d`, `12h`, `90m`, `45s`."""
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", value)
    duration = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if duration is None or duration > timedelta(days=_DAYS_MAX):
        raise click.BadParameter(f"expected something like 30d, 12h, 90m or 45s, got {value!r}")
    return duration


@click.command()
@click.option("--older-than", callback=_age, metavar="AGE",
              help="All that ended longer ago than this, dead letters too; as in 30d, 12h, 90m, 45s.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Tell how much would go; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before --older-than is done.")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
@pass_target
def prune(target: Target, *, older_than: timedelta | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove finished jobs now.

    Without --older-than, those that have been kept for as long as the apps on these tables want; workers do the same
    by themselves every few minutes.
    """
    from dibs.cli import pruning
    from dibs.cli.database import run

    asks = older_than is not None and not yes
    run(pruning.show(target, older_than, as_json=as_json) if dry_run
        else pruning.prune(target, older_than, asks=asks, as_json=as_json))  # fmt: skip
