"""Connections to Postgres, as workers and clients need them."""

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from dibs.domain.errors import ConfigError

CONNECT_SECONDS: Final = 10.0
"""How long a connection attempt may take: longer than a busy server needs, shorter than a person's patience."""

DATABASE_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""What a statement can raise when the server, the connection or the statement is at fault."""

WORKER_SETTINGS: Final = {
    # The hot statements have one good plan each: index scans in the order that the statement spells out. A planner
    # without statistics, or with those of an emptier table, would believe that reading all of it is cheaper.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    # Compiling a plan takes longer than running it.
    "jit": "off",
    # Nothing a worker runs may wait for long, neither on a lock nor on itself, nor sit in an open transaction.
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}

if TYPE_CHECKING:  # generic only in the type stubs
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool


async def connect(dsn: str, *, name: str, settings: dict[str, str] | None = None) -> Connection:
    """A connection of its own; *name* shows in `pg_stat_activity`."""
    return await asyncpg.connect(
        dsn, timeout=CONNECT_SECONDS, server_settings={"application_name": name, **(settings or {})}
    )


async def open_pool(dsn: str, *, name: str, size: int) -> Pool:
    """A pool of up to *size* connections; none is kept open before it is needed.

    Raises:
        ConfigError: The DSN can not be understood.
    """
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=size,
            timeout=CONNECT_SECONDS,
            server_settings={"application_name": name},
        )
    except (ValueError, asyncpg.ClientConfigurationError) as error:
        raise ConfigError(
            f"{redact(dsn)!r} is not a Postgres DSN ({error}); "
            "expected something like postgresql://user:password@host:5432/database"
        ) from error


async def close(connection: Connection) -> None:
    """Close politely, and hard when the server does not answer within a second."""
    try:
        await asyncio.wait_for(connection.close(), 1.0)
    except DATABASE_ERRORS:
        connection.terminate()


def redact(dsn: str) -> str:
    """*dsn* without its password, fit for logs."""
    parts = urlsplit(dsn)
    if parts.password is None and "password" not in parts.query:
        return dsn
    user = f"{parts.username}:***@" if parts.username else ""
    host = parts.netloc.rpartition("@")[2]
    query = "&".join("password=***" if q.startswith("password=") else q for q in parts.query.split("&"))
    return urlunsplit((parts.scheme, user + host, parts.path, query, ""))
