"""`dibs bench`: what dibs does on your database, and what holds it back."""

import click

from dibs.cli.target import Target, UnfulfilledError, pass_target


@click.command()
@click.argument("dsn", required=False, metavar="[URL]")
@click.option("--jobs", type=click.IntRange(100, 1_000_000), default=20_000, show_default=True, metavar="N",
              help="How many jobs the larger steps have.")  # fmt: skip
@click.option("--schema", default="dibs_bench", show_default=True, metavar="NAME",
              help="The scratch schema, made and dropped. It must not be there already.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
@pass_target
def bench(target: Target, *, dsn: str | None, jobs: int, schema: str, as_json: bool) -> None:
    """Measure dibs on your database, in a scratch schema, and say what the figures mean.

    Takes about half a minute. It puts load on the server: do it where nobody minds. Exit codes: 0 fine; 1 a count was
    wrong, or it was interrupted; 2 it could not begin, be it that the schema is there already.
    """
    if target.schema != "dibs":
        raise click.UsageError("give --schema behind the command: dibs bench --schema NAME")
    if dsn is not None and target.dsn is not None:
        raise click.UsageError("the database is named twice, by --dsn and behind the command")
    from dibs.cli.benching import measure, show, shown_as_json
    from dibs.cli.database import run

    found = run(measure(Target(dsn or target.dsn, schema), jobs))
    if as_json:
        click.echo(shown_as_json(found))
    else:
        show(found)
    if not found.is_sound:
        raise UnfulfilledError("counts were wrong; the figures concerned are void")
