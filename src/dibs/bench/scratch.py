"""A schema of the benchmark's own in a database that others use, too."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from dibs.bench import processes
from dibs.bench.places import Counters, connected, read_counters
from dibs.bench.systems.dibs_system import SCHEMA_VARIABLE
from dibs.domain.errors import ConfigError
from dibs.storage.connect import Connection
from dibs.storage.route import Route
from dibs.storage.statement import quote

MARK: Final = "scratch schema of dibs bench, may be dropped"
"""The comment by which a schema is known to be one of ours."""

_END_SECONDS: Final = 2.0
_OURS: Final = """
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and application_name like 'dibs%' and backend_start > $1
"""


@dataclass(frozen=True, slots=True)
class ScratchSchema:
    """A place whose every run begins with an empty schema."""

    dsn: str
    schema: str
    connection: Connection
    server_pid: int | None

    @staticmethod
    @asynccontextmanager
    async def taken(dsn: str, schema: str) -> AsyncIterator["ScratchSchema"]:
        """Make the schema, which must not be there or be a left-over of ours, and drop it at the end.

        Raises:
            ConfigError: The schema is somebody else's, or another benchmark runs in it, or a pooler is in between.
        """
        if not Route.of(dsn).keeps_sessions:
            raise ConfigError(
                "expected a direct connection, got a DSN with pgbouncer=true: a benchmark holds a lock while it lasts, "
                "and would measure the pooler with the server; give it the server's own DSN"
            )
        is_ours = False
        try:
            async with connected(dsn) as connection:
                await _lock(connection, schema)
                await _check(connection, schema)
                is_ours = True
                place = ScratchSchema(dsn, schema, connection, await _server_pid(connection))
                await place.reset()
                yield place
        finally:
            if is_ours:
                # A connection whose statement was interrupted is not asked for anything more.
                async with connected(dsn) as connection:
                    await _drop_ours(connection, schema)

    @property
    def environment(self) -> Mapping[str, str]:
        """The schema's name, for the adapter."""
        return {SCHEMA_VARIABLE: self.schema}

    async def reset(self) -> str:
        """Drop the schema with all that is in it, and make it anew, with our mark: all at once or not at all."""
        name = quote(self.schema)
        await self.connection.execute(
            f"set client_min_messages = warning; drop schema if exists {name} cascade; create schema {name};"
            f" comment on schema {name} is '{MARK}'"
        )
        return self.dsn

    async def settle(self) -> None:
        """Vacuum and analyse our tables. A checkpoint would be felt by others."""
        tables = await self.connection.fetch("select tablename from pg_tables where schemaname = $1", self.schema)
        for table in tables:
            await self.connection.execute(f"vacuum (analyze) {quote(self.schema)}.{quote(table[0])}")

    async def read(self) -> Counters:
        """The counters, once our sessions have ended; what others do in the database is counted, too."""
        began = await self.connection.fetchval(
            "select backend_start from pg_stat_activity where pid = pg_backend_pid()"
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                while await self.connection.fetchval(_OURS, began):  # noqa: ASYNC110 - it sends no event
                    await asyncio.sleep(0.01)
        return await read_counters(self.connection, self.server_pid)


async def _lock(connection: Connection, schema: str) -> None:
    if not await _is_locked(connection, schema):
        raise ConfigError(f"another benchmark is running in schema {schema!r}; choose another one with --schema")


async def _is_locked(connection: Connection, schema: str) -> bool:
    """Try to take the lock that only one benchmark in this schema has. It goes with the connection."""
    key = f"dibs.bench:{schema}"
    is_ours: bool = await connection.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", key)
    return is_ours


async def _check(connection: Connection, schema: str) -> None:
    exists, mark = await _found(connection, schema)
    if exists and mark != MARK:
        raise ConfigError(
            f"there is a schema {schema!r} already, and it is not a left-over of this command: it is not touched. "
            "Choose a name that is free with --schema"
        )


async def _drop_ours(connection: Connection, schema: str) -> None:
    """Drop the schema, unless it is somebody else's by now, or was before."""
    with contextlib.suppress(TimeoutError):  # then it is a new benchmark that has the lock, and the schema
        async with asyncio.timeout(_END_SECONDS):
            while not await _is_locked(connection, schema):  # noqa: ASYNC110 - the server may notice late who has gone
                await asyncio.sleep(0.01)
        if (await _found(connection, schema))[1] == MARK:
            # Notices would name each table.
            await connection.execute("set client_min_messages = warning")
            await connection.execute(f"drop schema {quote(schema)} cascade")


async def _found(connection: Connection, schema: str) -> tuple[bool, str | None]:
    """Whether there is such a schema, and the comment on it."""
    found = await connection.fetchrow(
        "select obj_description(oid, 'pg_namespace') as mark from pg_namespace where nspname = $1", schema
    )
    return (False, None) if found is None else (True, found["mark"])


async def _server_pid(connection: Connection) -> int | None:
    """The server's first process, if it runs on this machine and can be seen from here."""
    backend, database = await connection.fetchrow("select pg_backend_pid(), current_database()") or (0, "")
    title = processes.title(backend)
    # The same number may be somebody else's process here, when the server is on another machine or in a container.
    return processes.parent(backend) if title.startswith("postgres:") and f" {database} " in title else None
