"""`dibs grant`: let a database role do its part, and no more."""

import click

from dibs.cli.once import Once
from dibs.cli.target import ConfigurationError, Target, pass_target

_KINDS = ("producer", "worker", "reader", "operator")


@click.command(cls=Once)
@click.argument("kinds", metavar="KIND...", nargs=-1, required=True, type=click.Choice(_KINDS))
@click.option("--to", "role", metavar="ROLE", required=True, help="The database role, which must exist.")
@click.option("--sql", is_flag=True, help="Print what would be done as a script for psql; change nothing.")
@pass_target
def grant(target: Target, *, kinds: tuple[str, ...], role: str, sql: bool) -> None:
    """Let a database role do what a producer, worker, reader or operator does, and no more.

    Takes away what the role could do with the tables before, so name all kinds at once. Run it as the tables' owner,
    and again after each migration.
    """
    from dibs.cli.database import connected, run
    from dibs.domain.errors import DibsError
    from dibs.storage.grant import Kind, script
    from dibs.storage.grant import grant as grant_to

    chosen = [Kind(kind) for kind in dict.fromkeys(kinds)]

    async def apply() -> None:
        async with connected(target) as connection:
            await grant_to(connection, chosen, role, target.schema)

    if not sql:
        run(apply())
        click.echo(f"Role {role!r} is now {' and '.join(chosen)} in schema {target.schema!r}, and nothing else.")
        return
    try:
        click.echo(script(chosen, role, target.schema))
    except DibsError as error:
        raise ConfigurationError(str(error)) from error
