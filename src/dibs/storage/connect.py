"""Connections to Postgres, as workers and clients need them."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from dibs.domain.errors import ConfigError, DatabaseUnavailableError
from dibs.storage.hosts import one_by_one
from dibs.storage.route import MARK, Route
from dibs.storage.sessions.on_asyncpg import OnAsyncpg
from dibs.storage.sessions.on_pooler import OnPooler

CONNECT_SECONDS: Final = 10.0
"""How long an attempt to connect to one server may take: longer than a busy server needs, shorter than a person's
patience."""

DATABASE_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection cut at the wrong moment, or no server that takes writes
    OSError,
    TimeoutError,
)
"""What a statement can raise when the server, the connection or the statement is at fault."""


_READ_ONLY: Final = "25006"
"""The server has become a standby: after a failover another one takes writes, and a new connection finds it."""


def is_refusal(error: BaseException) -> bool:
    """True when the server refused the statement for its data: it had no effect, and the connection is well."""
    return str(getattr(error, "sqlstate", ""))[:2] in {"22", "23"}


def is_connection_at_fault(error: BaseException) -> bool:
    """True when the connection can not be trusted any more after *error*."""
    if not isinstance(error, asyncpg.PostgresError):
        return True
    return str(error.sqlstate)[:2] in {"08", "57"} or error.sqlstate == _READ_ONLY


_UNTOLD: Final = "unsupported startup parameter"
"""What PgBouncer says to the settings of our sessions, when nobody has said that it is there."""

_BY_POOLER: Final = "08P01"
"""PgBouncer has this one SQLSTATE for all that it says, be it for good or for a while."""

_FOR_GOOD: Final = (_UNTOLD, "no such database", "no such user", "authentication failed", "does not exist")
"""What it turns down for good, on its own account or because the server did."""


def is_setting_at_fault(error: BaseException) -> bool:
    """True when the server is there but knows no such user, password or database: trying again changes nothing."""
    sqlstate = str(getattr(error, "sqlstate", ""))
    by_pooler = sqlstate == _BY_POOLER and any(words in str(error) for words in _FOR_GOOD)
    return sqlstate.startswith("28") or sqlstate == "3D000" or by_pooler


_ADVICE: Final = {
    "28000": "Check the user, and the server's pg_hba.conf.",
    "28P01": "Check the user and the password.",
    "3D000": "Create it, or check the name at the end of the DSN.",
    _BY_POOLER: "If this is a pooler, check the user, the name of the database, and the pooler's own log.",
    "53300": "The server has no connection left: raise its max_connections, or close some.",
    "57P03": "Try again in a moment.",
}
"""What to do when Postgres turns a connection down, by its SQLSTATE."""

HOT_SETTINGS: Final = {
    # The hot statements have one good plan each: index scans in the order that the statement spells out. A planner
    # without statistics, or with those of an emptier table, would believe that reading all of it is cheaper.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    # That one plan is kept: planning a hot statement takes longer than running it.
    "plan_cache_mode": "force_generic_plan",
    # Every statement is written for this level; a stricter default of the database would fail those that meet.
    "default_transaction_isolation": "read committed",
    # Compiling a plan takes longer than running it.
    "jit": "off",
}
"""For connections that send only our own statements."""

WORKER_SETTINGS: Final = {
    **HOT_SETTINGS,
    # Nothing a worker runs may wait for long, neither on a lock nor on itself, nor sit in an open transaction.
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}

# Up to the last @: a password whose @, / or ? is not percent-encoded must not show either, nor one in a DSN without
# its scheme. Names of users may hold an @.
_URL_PASSWORD: Final = re.compile(r"^([\w+.-]*://[^:/?#]*|[^:/?#]*(?!://)):(?:[^?]*|.*)@", re.DOTALL)
_QUERY_PASSWORD: Final = re.compile(r"([?&]\w*password=)[^&#]*", re.IGNORECASE)
_NAMED_PASSWORD: Final = re.compile(
    r"((?:^|\s)\w*password\s*=\s*)(?:'(?:[^'\\]|\\.)*(?:'|$)|(?:[^\s\\]|\\.)*)", re.IGNORECASE | re.DOTALL
)

if TYPE_CHECKING:  # generic only in the type stubs
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    PooledConnection: TypeAlias = PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool
    PooledConnection = PoolConnectionProxy


async def connect(dsn: str, *, name: str, settings: dict[str, str] | None = None) -> Connection:
    """A connection of its own; *name* shows in `pg_stat_activity`.

    Raises:
        ConfigError: The DSN can not be understood.
        DatabaseUnavailableError: The server can not be reached, or turns the connection down.
    """
    route = Route.of(dsn)
    return await _connect(route.dsn, timeout=CONNECT_SECONDS, **route.on_asyncpg(name, settings or {}))


def open_session(
    route: Route,
    connection: Connection | PooledConnection,
    schema: str,
    *,
    settings: dict[str, str] | None = None,
    gets_on: Callable[[], None] = lambda: None,
) -> OnAsyncpg:
    """A session on a connection of ours that was opened by *route*, with *settings* if a pooler can not keep them."""
    if route.keeps_sessions:
        return OnAsyncpg(connection, schema, gets_on=gets_on)
    return OnPooler(connection, schema, settings=settings or {}, gets_on=gets_on)


async def open_pool(dsn: str, *, name: str, size: int) -> Pool:
    """A pool of up to *size* connections; none is opened before it is needed.

    Its connections raise ConfigError when the DSN can not be understood, and DatabaseUnavailableError.
    """
    route = Route.of(dsn)
    return await asyncpg.create_pool(
        route.dsn,
        min_size=0,
        max_size=size,
        timeout=CONNECT_SECONDS,
        connect=_connect,
        reset=_as_it_is,
        **route.on_asyncpg(name, {}),
    )


async def _as_it_is(_: object) -> None:
    """Our own statements leave nothing behind in a session, and resetting it costs a round trip each time."""


async def reset(connection: PooledConnection) -> None:
    """Undo what somebody did to a session before it goes back to its pool.

    One that was ended meanwhile is not the pool's any more, and its own error is the one to be told.
    """
    with suppress(asyncpg.InterfaceError):
        await connection.reset()


async def close(connection: Connection) -> None:
    """Close politely, and hard when the server does not answer within a second."""
    try:
        async with asyncio.timeout(1.0):
            await connection.close()
    except DATABASE_ERRORS:
        connection.terminate()


def redact(dsn: str) -> str:
    """*dsn* without its password, fit for logs; of one that is badly written, rather too much than too little goes."""
    shown = _URL_PASSWORD.sub(r"\1:***@", dsn, count=1)
    return _NAMED_PASSWORD.sub(r"\1***", _QUERY_PASSWORD.sub(r"\1***", shown))


async def _connect(*args: Any, **options: Any) -> Connection:
    """A connection to the first server of a DSN that can be used; called as asyncpg's own `connect` is."""
    dsn = str(args[0])
    troubles: list[Exception] = []
    try:
        for server in one_by_one(dsn):
            try:
                return await asyncpg.connect(server, **options)
            except asyncpg.ClientConfigurationError:
                raise
            except DATABASE_ERRORS as error:
                troubles.append(error)
                if is_setting_at_fault(error):
                    break
    except (ValueError, OverflowError) as error:  # as that one is; or the port is none
        raise _misread(dsn, error) from None  # its words may quote the password
    why = " / ".join(dict.fromkeys(map(_why_unavailable, troubles)))
    unavailable = DatabaseUnavailableError(f"can not connect to {redact(dsn)!r}: {why}")
    unavailable.sqlstate = getattr(troubles[-1], "sqlstate", None)
    raise unavailable from troubles[-1]


def _misread(dsn: str, error: Exception) -> ConfigError:
    # What could not be read may be a part of the password: asyncpg's words are shown only where they are safe.
    why = f": {error}" if isinstance(error, asyncpg.ClientConfigurationError) else ""
    return ConfigError(
        f"{redact(dsn)!r} is not a DSN{why}; expected something like "
        "postgresql://user:password@host:5432/database (in a password, special characters are written as %23 for #)"
    )


def _why_unavailable(error: BaseException) -> str:
    said = str(error).rstrip(".") or "no answer in time"
    advice = _ADVICE.get(str(getattr(error, "sqlstate", "")), "")
    if _UNTOLD in said:
        advice = f"Is this a pooler? Add {MARK}=true to the DSN, or give dibs a direct connection to Postgres."
    elif isinstance(error, OSError) and "SSL" not in said:
        advice = "Is the server there, and does it listen?"
    return f"{said}. {advice}".rstrip()
