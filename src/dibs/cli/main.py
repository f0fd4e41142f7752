"""The `dibs` command."""

import click

from dibs.cli.worker import worker


@click.group()
@click.version_option(package_name="dibs")
def main() -> None:
    """Background jobs on the Postgres you already have."""


main.add_command(worker)
