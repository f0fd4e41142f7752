"""`dibs migrate`: bring the tables up to date, or tell what that would take."""

import json

import click

from dibs.cli.target import Target, UnfulfilledError, pass_target


@click.group(invoke_without_command=True)
@click.option("--plan", is_flag=True, help="Tell what would be applied; change nothing.")
@click.option("--sql", is_flag=True, help="Print what would be applied as a script for psql; change nothing.")
@pass_target
@click.pass_context
def migrate(context: click.Context, target: Target, *, plan: bool, sql: bool) -> None:
    """Bring the tables up to date.

    Safe to run again, and from many places at once: one applies, the others wait and find nothing left to do.
    """
    if plan and sql:
        raise click.UsageError("--plan and --sql are two ways to look at the same thing; choose one")
    if context.invoked_subcommand is not None:
        if plan or sql:
            raise click.UsageError("--plan and --sql do not go together with a subcommand")
        return
    from dibs.cli import migrating
    from dibs.cli.database import run

    if plan:
        run(migrating.plan(target))
    elif sql:
        run(migrating.print_script(target))
    else:
        run(migrating.apply(target))


@migrate.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
@click.option("--check", is_flag=True, help="Exit with 1 unless the tables are up to date.")
@pass_target
def migration_status(target: Target, *, as_json: bool, check: bool) -> None:
    """Tell which migrations the database has, and which it lacks."""
    from dibs.cli import migrating
    from dibs.cli.database import run

    found = run(migrating.look(target))
    if as_json:
        click.echo(json.dumps(migrating.described(found, target.schema)))
    else:
        migrating.show(found, target.schema)
    if check and (found.pending or found.is_newer):
        raise UnfulfilledError(f"the tables in schema {target.schema!r} do not fit this dibs")
