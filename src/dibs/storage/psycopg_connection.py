"""A connection for synchronous code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from dibs.domain.errors import ConfigError, DatabaseUnavailableError
from dibs.storage.connect import CONNECT_SECONDS, redact
from dibs.storage.route import Route

if TYPE_CHECKING:
    import psycopg

_NOTICE_SILENCE: Final = {
    "tcp_user_timeout": 60_000,  # milliseconds
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""A connection that is half open ends after a minute, be it with an answer or with what was sent unacknowledged, where
the DSN does not say otherwise. Left to itself Linux takes a quarter of an hour, and as much as two."""


def import_early() -> None:
    """Import what synchronous code needs for a connection, as far as it is installed, before jobs run in threads.

    A job is interrupted by an exception raised in its thread. In the middle of a first import that would leave a torn
    module, or its lock, to all other threads that wait for it.
    """
    with suppress(ImportError):
        import_module("dibs.storage.sessions.on_psycopg_sync")
    if "sqlalchemy" in sys.modules:
        import_module("dibs.storage.sessions.on_sqlalchemy_sync")


@contextmanager
def psycopg_connection(dsn: str, *, name: str) -> "Iterator[psycopg.Connection[Any]]":
    """A psycopg connection in autocommit, closed at the end; *name* shows in `pg_stat_activity`.

    Raises:
        ConfigError: psycopg is not installed, or the DSN can not be understood.
        DatabaseUnavailableError: The server can not be reached, or turns the connection down.
    """
    try:
        import psycopg
    except ImportError as missing:
        raise ConfigError(
            "synchronous code needs psycopg for a connection of dibs' own: install dibs[psycopg], or pass a "
            "connection of yours"
        ) from missing
    try:
        route = Route.of(dsn)
        given = psycopg.conninfo.conninfo_to_dict(route.dsn)
        whole = psycopg.conninfo.make_conninfo("", **(_NOTICE_SILENCE | given))
        connection = psycopg.connect(
            whole,
            autocommit=True,
            application_name=name,
            connect_timeout=round(CONNECT_SECONDS),
            **route.on_psycopg(),
        )
    except psycopg.ProgrammingError:  # its words quote the DSN, the password with it
        raise ConfigError(f"{redact(dsn)!r} is not a DSN") from None
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(f"can not connect to {redact(dsn)!r}: {error}") from error
    with connection:
        yield connection
