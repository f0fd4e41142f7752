"""What the commands share: the database they are about, and how they end when they can not do what they should."""

from dataclasses import dataclass, field

import click


class UnfulfilledError(click.ClickException):
    """The command ran, and what was asked for could not be had: exit code 1."""

    exit_code = 1


class ConfigurationError(click.ClickException):
    """The command could not do its work: no connection, no tables, no right to them. Exit code 2, as for usage."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Target:
    """Which database, and which schema in it."""

    dsn: str | None = field(repr=False)
    """As given; null: DIBS_DATABASE_URL, and without it the embedded one in ./.dibs."""
    schema: str


pass_target = click.make_pass_decorator(Target)
