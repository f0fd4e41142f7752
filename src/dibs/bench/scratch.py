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
            ConfigError: The schema is somebody else's, or another benchmark runs in it.
        """
        async with connected(dsn) as connection:
            # The lock goes with the connection, so it can not be left over.
            if not await connection.fetchval(
                "select pg_try_advisory_lock(hashtextextended($1, 0))", f"dibs.bench:{schema}"
            ):
                raise ConfigError(
                    f"another benchmark is running in schema {schema!r}; choose another one with --schema"
                )
            await _check(connection, schema)
            place = ScratchSchema(dsn, schema, connection, await _server_pid(connection))
            try:
                await place.reset()
                yield place
            finally:
                await place.drop()

    @property
    def environment(self) -> Mapping[str, str]:
        """The schema's name, for the adapter."""
        return {SCHEMA_VARIABLE: self.schema}

    async def reset(self) -> str:
        """Drop the schema and make it anew."""
        async with self.connection.transaction():
            await self.drop()
            await self.connection.execute(f"create schema {quote(self.schema)}")
            await self.connection.execute(f"comment on schema {quote(self.schema)} is '{MARK}'")
        return self.dsn

    async def drop(self) -> None:
        """Drop the schema with all that is in it."""
        # Notices would name each table.
        await self.connection.execute("set client_min_messages = warning")
        await self.connection.execute(f"drop schema if exists {quote(self.schema)} cascade")

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


async def _check(connection: Connection, schema: str) -> None:
    found = await connection.fetchrow(
        "select obj_description(oid, 'pg_namespace') as mark from pg_namespace where nspname = $1", schema
    )
    if found is not None and found["mark"] != MARK:
        raise ConfigError(
            f"there is a schema {schema!r} already, and it is not a left-over of this command: it is not touched. "
            "Choose a name that is free with --schema"
        )


async def _server_pid(connection: Connection) -> int | None:
    """The server's first process, if it runs on this machine and can be seen from here."""
    backend, database = await connection.fetchrow("select pg_backend_pid(), current_database()") or (0, "")
    title = processes.title(backend)
    # The same number may be somebody else's process here, when the server is on another machine or in a container.
    return processes.parent(backend) if title.startswith("postgres:") and f" {database} " in title else None
