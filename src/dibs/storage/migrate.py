"""The tables' versions: what is there, what is missing, and how to get there.

Migrations are numbered files, forward only, each applied once in one transaction with all others that are missing. An
advisory lock lets twenty processes start at once: one applies, the others find nothing left to do. No superuser and no
extension is needed, only the right to create a schema, or to create in one that is there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import asyncpg

from dibs.domain.errors import SchemaError
from dibs.storage.sessions.on_asyncpg import Connection
from dibs.storage.statement import bind, quote

_UNDEFINED: Final = {"42P01", "42703", "3F000"}
"""What Postgres answers about a table, a column or a schema that is not there."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the tables' history."""

    version: int
    name: str
    template: str

    def sql(self, schema: str) -> str:
        """Its statements, for tables in *schema*."""
        return bind(self.template, schema)


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Which migrations a database has, and which it lacks."""

    applied: tuple[int, ...]
    pending: tuple[Migration, ...]

    @property
    def version(self) -> int:
        """The newest applied version; 0: there are no tables yet."""
        return max(self.applied, default=0)


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations, oldest first."""
    found = []
    for file in files("dibs.storage").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text("utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.version))


async def status(connection: Connection, schema: str = "dibs") -> SchemaStatus:
    """What the database has. Changes nothing."""
    try:
        rows = await connection.fetch(f"select version from {quote(schema)}.migration order by version")
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        rows = []
    applied = tuple(row[0] for row in rows)
    return SchemaStatus(applied, tuple(m for m in migrations() if m.version not in applied))


async def migrate(connection: Connection, schema: str = "dibs") -> Sequence[Migration]:
    """Apply what is missing, and tell what was. Safe to call again, and from many processes at once."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"dibs.migrate:{schema}")
        if not await connection.fetchval("select exists (select from pg_namespace where nspname = $1)", schema):
            await connection.execute(f"create schema {quote(schema)}")
        await connection.execute(_history(schema))
        pending = (await status(connection, schema)).pending
        for migration in pending:
            await connection.execute(migration.sql(schema))
            await connection.execute(_record(schema, migration))
    return pending


def script(pending: Sequence[Migration], schema: str) -> str:
    """The SQL of *pending*, for those who apply it by other means."""
    parts = ["begin;", f"create schema if not exists {quote(schema)};", _history(schema) + ";"]
    for migration in pending:
        parts += [f"\n-- {migration.version:04d} {migration.name}", migration.sql(schema).rstrip()]
        parts += [_record(schema, migration) + ";"]
    return "\n".join([*parts, "commit;"])


async def check(connection: Connection, schema: str = "dibs") -> None:
    """Raise SchemaError unless the tables fit this code; the message names the command to run."""
    found = await status(connection, schema)
    option = "" if schema == "dibs" else f" --schema {schema}"
    if not found.applied:
        raise SchemaError(f"there are no dibs tables in schema {schema!r} of this database; run: dibs{option} migrate")
    if found.pending:
        newest = migrations()[-1].version
        raise SchemaError(
            f"the tables in schema {schema!r} are at version {found.version}, this dibs needs {newest}; "
            f"run: dibs{option} migrate"
        )
    newest = migrations()[-1].version
    if found.version > newest:
        raise SchemaError(
            f"the tables in schema {schema!r} are at version {found.version}, this dibs knows only {newest}; "
            "install the dibs that made them, or a newer one"
        )


@contextmanager
def schema_errors(schema: str) -> Iterator[None]:
    """Turn any driver's complaint about a missing table or column into a SchemaError that names the remedy."""
    try:
        yield
    except Exception as error:
        if getattr(error, "sqlstate", None) in _UNDEFINED:
            raise SchemaError(
                f"the tables in schema {schema!r} are missing or old ({error}); run: dibs migrate"
            ) from error
        raise


def _history(schema: str) -> str:
    return (
        f"create table if not exists {quote(schema)}.migration "
        "(version integer primary key, name text not null, applied_at timestamptz not null default now())"
    )


def _record(schema: str, migration: Migration) -> str:
    return f"insert into {quote(schema)}.migration (version, name) values ({migration.version}, '{migration.name}')"
