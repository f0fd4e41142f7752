"""Where a system is measured: a database that is fresh for each run, and what the server tells about itself."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from dibs.bench.processes import is_visible, machine_cpu_seconds, tree_cpu_seconds
from dibs.storage.connect import DATABASE_ERRORS, Connection, close, connect
from dibs.storage.statement import quote

_END_SECONDS: Final = 10.0

_COUNTERS: Final = """
select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as wal_bytes, xact_commit as transactions
from pg_stat_database where datname = current_database()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Ever-growing counters at one moment; null where they can not be seen."""

    seconds: float
    server_cpu_seconds: float | None = None
    foreign_cpu_seconds: float | None = None
    """CPU time of this machine that neither the server nor this process and what it started have used."""
    wal_bytes: int | None = None
    transactions: int | None = None
    """That were committed in the database."""


class Place(Protocol):
    """A server to measure on."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What the system's processes need to know besides the url."""
        ...

    async def reset(self) -> str:
        """Make everything as new; gives the url for the system."""
        ...

    async def settle(self) -> None:
        """As after a quiet night: rows vacuumed and counted, pages written out."""
        ...

    async def read(self) -> Counters:
        """The counters, once the system's processes have ended and told what they did."""
        ...


@dataclass(slots=True)
class FreshDatabase:
    """A database of its own on a server of yours, dropped and created for each run."""

    server_dsn: str
    server_pid: int | None = None
    """The postmaster, where it runs on this machine."""
    name: str = "dibs_bench"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The database."""
        return urlsplit(self.server_dsn)._replace(path=f"/{self.name}").geturl()

    async def reset(self) -> str:
        """Drop the database with whatever is connected to it, and create it."""
        await self.drop()
        async with connected(self.server_dsn) as admin:
            await admin.execute(f"create database {quote(self.name)} template template0")
        return self.url

    async def drop(self) -> None:
        """Drop the database, if it is there."""
        async with connected(self.server_dsn) as admin:
            await admin.execute(f"drop database if exists {quote(self.name)} with (force)")

    async def settle(self) -> None:
        """Vacuum, analyse, and write out."""
        async with connected(self.url) as database:
            await database.execute("vacuum (analyze)")
            await database.execute("checkpoint")

    async def read(self) -> Counters:
        """The counters, when every other session has ended."""
        async with connected(self.url) as database:
            with suppress(TimeoutError):  # what it still does is not counted; its figures stand all the same
                await alone(database)
            return await read_counters(database, self.server_pid)


async def alone(database: Connection) -> None:
    """Wait until no other session is in the database: it tells what it did when it ends.

    Raises:
        TimeoutError: One does not end; the message says so.
    """
    others = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    try:
        async with asyncio.timeout(_END_SECONDS):
            while await database.fetchval(others):  # noqa: ASYNC110 - a session that ends sends no event
                await asyncio.sleep(0.01)
    except TimeoutError as error:
        raise TimeoutError(f"a session of it did not end within {_END_SECONDS:g} s") from error


async def read_counters(database: Connection, server_pid: int | None) -> Counters:
    """The counters of a Postgres; *server_pid* is its first process, if that is on this machine."""
    try:
        row = await database.fetchrow(_COUNTERS)
    except DATABASE_ERRORS:
        row = None  # not every service that speaks Postgres tells them
    return Counters(**processor_counters(server_pid), **(dict(row) if row else {}))


def processor_counters(server_pid: int | None) -> dict[str, Any]:
    """The counters that do not come from the server."""
    counters = {"seconds": time.monotonic()}
    if is_visible():
        servers = () if server_pid is None else (server_pid,)
        if servers:
            counters["server_cpu_seconds"] = tree_cpu_seconds(*servers)
        # Together: a server that this process has started is below both.
        counters["foreign_cpu_seconds"] = machine_cpu_seconds() - tree_cpu_seconds(os.getpid(), *servers)
    return counters


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """A connection of the harness's own."""
    connection = await connect(dsn, name="dibs bench")
    try:
        yield connection
    finally:
        await close(connection)
