"""The `dibs` command."""

import click

from dibs.cli.bench import bench
from dibs.cli.demo import demo
from dibs.cli.grant import grant
from dibs.cli.health import health
from dibs.cli.jobs import jobs
from dibs.cli.migrate import migrate
from dibs.cli.prune import prune
from dibs.cli.status import status
from dibs.cli.target import Target
from dibs.cli.worker import worker


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--dsn",
    metavar="URL",
    help="The database. Default: $DIBS_DATABASE_URL, and without it the embedded Postgres in ./.dibs. A password on a "
    "command line is seen by other users of the machine; in the variable it is not.",
)
@click.option("--schema", metavar="NAME", default="dibs", show_default=True, help="Where the tables are.")
@click.version_option(package_name="dibs")
@click.pass_context
def main(context: click.Context, *, dsn: str | None, schema: str) -> None:
    """Background jobs on the Postgres you already have.

    Exit codes: 0 fine; 1 what was asked for could not be had (no such job, a check that fails, an answer of no);
    2 usage or configuration (no connection, no tables, no right to them).
    """
    context.obj = Target(dsn, schema)


for command in (worker, migrate, grant, status, health, jobs, prune, demo, bench):
    main.add_command(command)
