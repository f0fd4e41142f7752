"""The tables' versions: what is there, what is missing, and how to get there.

Migrations are numbered files, forward only, each applied once in one transaction with all others that are missing. An
advisory lock lets twenty processes start at once: one applies, the others find nothing left to do. No superuser and no
extension is needed, only the right to create a schema, or to create in one that is there.
"""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

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
    """What the database has. Changes nothing, and fails no open transaction when there are no tables."""
    history = f"{quote(schema)}.migration"
    rows: Sequence[Any] = []
    if await connection.fetchval("select to_regclass($1) is not null", history):
        rows = await connection.fetch(f"select version from {history} order by version")
    applied = tuple(row[0] for row in rows)
    return SchemaStatus(applied, tuple(m for m in migrations() if m.version not in applied))


async def migrate(connection: Connection, schema: str = "dibs") -> Sequence[Migration]:
    """Apply what is missing, and tell what was. Safe to call again, and from many processes at once.

    Where nothing is missing, nothing but reading is asked of the database, so any role and a standby will do.
    """
    if not (await status(connection, schema)).pending:
        return ()
    # Whatever the default is: who has waited for the lock must see what its holder has committed.
    async with connection.transaction(isolation="read_committed"):
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"dibs.migrate:{schema}")
        if not await has_schema(connection, schema):
            await connection.execute(f"create schema {quote(schema)}")
        await connection.execute(_history(schema))
        pending = (await status(connection, schema)).pending
        for migration in pending:
            await connection.execute(migration.sql(schema))
            await connection.execute(_record(schema, migration))
    return pending


async def missing_right(connection: Connection, schema: str) -> str:
    """What to grant to a role that was refused to make or to use the tables: SQL for an owner or a superuser."""
    role, database = await connection.fetchrow("select current_user::text, current_database()::text") or ("", "")
    if await has_schema(connection, schema):
        return f"grant usage, create on schema {quote(schema)} to {quote(role)};"
    return (
        f"grant create on database {quote(database)} to {quote(role)};\n"
        f"or: create schema {quote(schema)} authorization {quote(role)};"
    )


def command(schema: str, verb: str = "migrate") -> str:
    """What to type in a shell to do *verb* to the tables in *schema*: by default, to bring them up to date."""
    return f"dibs {verb}" if schema == "dibs" else f"dibs --schema {shlex.quote(schema)} {verb}"


def script(pending: Sequence[Migration], schema: str, *, into_schema: bool = False) -> str:
    """The SQL of *pending*, for those who apply it by other means; with *into_schema*, for a schema that is there."""
    parts = ["begin;"]
    if not into_schema:  # the mere words take the right to create one, be it that it exists
        parts += [f"create schema if not exists {quote(schema)};"]
    parts += [_history(schema) + ";"]
    for migration in pending:
        parts += [f"\n-- {migration.version:04d} {migration.name}", migration.sql(schema).rstrip()]
        parts += [_record(schema, migration) + ";"]
    return "\n".join([*parts, "commit;"])


async def check(connection: Connection, schema: str = "dibs") -> None:
    """Raise SchemaError unless the tables fit this code; the message names the command to run."""
    try:
        found = await status(connection, schema)
    except asyncpg.InsufficientPrivilegeError as error:
        role = await connection.fetchval("select current_user::text")
        raise SchemaError(
            f"role {role!r} may not use the tables in schema {schema!r} ({error}); connect as their owner, or have "
            f"the owner run: {command(schema, 'grant')} worker --to {shlex.quote(role)} (or producer, reader, operator)"
        ) from error
    newest = migrations()[-1].version
    if not found.applied:
        raise SchemaError(f"there are no dibs tables in schema {schema!r} of this database; run: {command(schema)}")
    if found.version > newest:
        raise SchemaError(
            f"the tables in schema {schema!r} are at version {found.version}, this dibs knows only {newest}; "
            "install the dibs that made them, or a newer one"
        )
    if found.pending:
        raise SchemaError(
            f"the tables in schema {schema!r} are at version {found.version}, this dibs needs {newest}; "
            f"run: {command(schema)}"
        )


@contextmanager
def schema_errors(schema: str) -> Iterator[None]:
    """Turn any driver's complaint about a missing table or column into a SchemaError that names the remedy."""
    try:
        yield
    except Exception as error:
        if getattr(error, "sqlstate", None) in _UNDEFINED:
            raise SchemaError(
                f"the tables in schema {schema!r} are missing or old ({error}); run: {command(schema)}"
            ) from error
        raise


async def has_schema(connection: Connection, schema: str) -> bool:
    """True when there is a schema of that name, be it without tables."""
    return bool(await connection.fetchval("select exists (select from pg_namespace where nspname = $1)", schema))


def _history(schema: str) -> str:
    return (
        f"create table if not exists {quote(schema)}.migration "
        "(version integer primary key, name text not null, applied_at timestamptz not null default now())"
    )


def _record(schema: str, migration: Migration) -> str:
    return f"insert into {quote(schema)}.migration (version, name) values ({migration.version}, '{migration.name}')"
