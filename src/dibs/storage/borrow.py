"""Sessions on connections that belong to the caller.

What is written joins the caller's transaction: it becomes visible when the caller commits, and is gone when
the caller rolls back, savepoints included. Without a transaction (asyncpg outside `transaction()`, psycopg and
SQLAlchemy in autocommit), what is written is committed at once, all or nothing.

The caller's driver is recognised without importing any: what is not imported can not be what the caller has.
"""

import sys
from typing import Any, Final

from dibs.storage.session import AsyncSession, SyncSession

_ASYNCPG: Final = ("asyncpg.Connection",)
_PSYCOPG: Final = ("psycopg.AsyncConnection",)
_SQLALCHEMY: Final = ("sqlalchemy.ext.asyncio.AsyncConnection", "sqlalchemy.ext.asyncio.AsyncSession")
_SQLALCHEMY_SCOPED: Final = ("sqlalchemy.ext.asyncio.async_scoped_session",)

_PSYCOPG_SYNC: Final = ("psycopg.Connection",)
_SQLALCHEMY_SYNC: Final = ("sqlalchemy.Connection", "sqlalchemy.orm.Session")
_SQLALCHEMY_SYNC_SCOPED: Final = ("sqlalchemy.orm.scoped_session",)

_ANY_ASYNC: Final = (*_ASYNCPG, *_PSYCOPG, *_SQLALCHEMY, *_SQLALCHEMY_SCOPED)
_ANY_SYNC: Final = (*_PSYCOPG_SYNC, *_SQLALCHEMY_SYNC, *_SQLALCHEMY_SYNC_SCOPED)

_POOLS: Final = (
    "asyncpg.Pool",
    "psycopg_pool.ConnectionPool",
    "psycopg_pool.AsyncConnectionPool",
    "sqlalchemy.Engine",
    "sqlalchemy.ext.asyncio.AsyncEngine",
)


def async_session(connection: Any, schema: str) -> AsyncSession:
    """A session on an asynchronous connection: asyncpg's, psycopg's, or SQLAlchemy's (or its AsyncSession).

    It joins the transaction that is open. Where none is, asyncpg, and anything in autocommit, writes at
    once; otherwise psycopg and SQLAlchemy begin one, as for any statement, and the caller commits it.

    Raises:
        TypeError: *connection* is something else, or a synchronous one.
    """
    if _is(connection, _ASYNCPG):
        from dibs.storage.sessions.on_asyncpg import OnBorrowedAsyncpg

        return OnBorrowedAsyncpg(connection, schema)
    if _is(connection, _PSYCOPG):
        from dibs.storage.sessions.on_psycopg import OnPsycopg

        return OnPsycopg(connection, schema)
    if _is(connection, _SQLALCHEMY_SCOPED):
        connection = connection()
    if _is(connection, _SQLALCHEMY):
        from dibs.storage.sessions.on_sqlalchemy import OnSqlAlchemy

        return OnSqlAlchemy(connection, schema)
    expected = "an asyncpg Connection, a psycopg AsyncConnection, or a SQLAlchemy AsyncConnection or AsyncSession"
    hint = "is synchronous; with it, use the verb that ends in _sync" if _is(connection, _ANY_SYNC) else ""
    raise _misfit(expected, connection, hint)


def sync_session(connection: Any, schema: str) -> SyncSession:
    """A session on a synchronous connection: psycopg's, or SQLAlchemy's (or its Session).

    It joins the transaction that is open. Where none is, anything in autocommit writes at once;
    otherwise psycopg and SQLAlchemy begin one, as for any statement, and the caller commits it.

    Raises:
        TypeError: *connection* is something else, or an asynchronous one.
    """
    if _is(connection, _PSYCOPG_SYNC):
        from dibs.storage.sessions.on_psycopg_sync import OnPsycopgSync

        return OnPsycopgSync(connection, schema)
    if _is(connection, _SQLALCHEMY_SYNC_SCOPED):
        connection = connection()
    if _is(connection, _SQLALCHEMY_SYNC):
        from dibs.storage.sessions.on_sqlalchemy_sync import OnSqlAlchemySync

        return OnSqlAlchemySync(connection, schema)
    expected = "a psycopg Connection, or a SQLAlchemy Connection or Session"
    hint = "is asynchronous; with it, await the verb without _sync" if _is(connection, _ANY_ASYNC) else ""
    raise _misfit(expected, connection, hint)


def _is(connection: Any, kinds: tuple[str, ...]) -> bool:
    for kind in kinds:
        module, _, name = kind.rpartition(".")
        if module in sys.modules and isinstance(connection, getattr(sys.modules[module], name)):
            return True
    return False


def _misfit(expected: str, got: Any, hint: str) -> TypeError:
    if _is(got, _POOLS):
        hint = "has no transaction to join; take a connection from it"
    came = f"{type(got).__module__}.{type(got).__qualname__}"
    return TypeError(f"expected {expected}, got {came}" + (f", which {hint}" if hint else ""))
