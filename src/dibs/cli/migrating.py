"""What the migrate commands do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from dibs.cli.database import connected, is_to_be_made
from dibs.cli.target import ConfigurationError, Target
from dibs.client.database import FOLDER
from dibs.storage.connect import DATABASE_ERRORS, Connection
from dibs.storage.migrate import Migration, check, has_schema, migrate, migrations, missing_right, script, status

_INSUFFICIENT_PRIVILEGE = "42501"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The tables, as they are."""

    applied: Sequence[int]
    pending: Sequence[Migration]
    has_schema: bool

    @property
    def version(self) -> int:
        """The newest applied version; 0: there are no tables."""
        return max(self.applied, default=0)

    @property
    def is_newer(self) -> bool:
        """True when a newer dibs made them."""
        return self.version > migrations()[-1].version


async def look(target: Target) -> Found:
    """Look, and change nothing; where an embedded database would have to be made first, everything is missing."""
    if is_to_be_made(target):
        return Found(applied=(), pending=migrations(), has_schema=False)
    async with connected(target) as connection:
        found = await status(connection, target.schema)
        there = await has_schema(connection, target.schema)
    return Found(applied=found.applied, pending=found.pending, has_schema=there)


async def apply(target: Target) -> None:
    """Apply what is missing and say what that was."""
    async with connected(target, creates=True) as connection:
        try:
            applied = await migrate(connection, target.schema)
        except DATABASE_ERRORS as error:
            if getattr(error, "sqlstate", None) == _INSUFFICIENT_PRIVILEGE:
                raise await _refused(connection, target.schema, error) from error
            raise
        await check(connection, target.schema)  # those of a newer dibs do not fit either
        version = (await status(connection, target.schema)).version
    for migration in applied:
        click.echo(f"Applied {_name(migration)}.")
    said = "is now at" if applied else "is up to date, at"
    click.echo(f"Schema {target.schema!r} {said} version {version}.")


async def plan(target: Target) -> None:
    """Say what `apply` would do."""
    found = await look(target)
    if not found.pending:
        click.echo(f"Nothing to apply: schema {target.schema!r} is at version {found.version}.")
        return
    if is_to_be_made(target):
        click.echo(f"Would create an embedded database in the folder {FOLDER}.")
    if not found.has_schema:
        click.echo(f"Would create schema {target.schema!r}.")
    for migration in found.pending:
        click.echo(f"Would apply {_name(migration)}.")


async def print_script(target: Target) -> None:
    """Print what `apply` would do as SQL; with nothing to do, a comment."""
    found = await look(target)
    if found.pending:
        click.echo(script(found.pending, target.schema, into_schema=found.has_schema))
    else:
        click.echo(f"-- nothing to apply: the tables are at version {found.version}")


def described(found: Found, schema: str) -> dict[str, Any]:
    """As JSON."""
    return {
        "schema": schema,
        "version": found.version,
        "latest": migrations()[-1].version,
        "applied": list(found.applied),
        "pending": [{"version": migration.version, "name": migration.name} for migration in found.pending],
    }


def show(found: Found, schema: str) -> None:
    """For people."""
    click.echo(f"Schema {schema!r} is at version {found.version}; this dibs knows {migrations()[-1].version}.")
    known = {migration.version: migration for migration in migrations()}
    for version in found.applied:
        click.echo(f"  applied  {_name(known[version]) if version in known else f'{version:04d} (of a newer dibs)'}")
    for migration in found.pending:
        click.echo(f"  pending  {_name(migration)}")


async def _refused(connection: Connection, schema: str, error: BaseException) -> ConfigurationError:
    return ConfigurationError(
        f"the database refused: {error}.\nHave a role that may do so run this, and then migrate again:\n\n"
        f"{await missing_right(connection, schema)}\n\n"
        "Or let such a role apply the output of `dibs migrate --sql`."
    )


def _name(migration: Migration) -> str:
    return f"{migration.version:04d} {migration.name}"
