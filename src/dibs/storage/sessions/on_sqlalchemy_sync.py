"""Operations on a SQLAlchemy connection or session."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from dibs.domain.errors import ConfigError
from dibs.storage.session import Operation, refuse_open

T = TypeVar("T")


def refuse_autocommit(connection: Connection | Session) -> None:
    """Raise ConfigError where SQLAlchemy's transaction is none: in isolation level AUTOCOMMIT, BEGIN is never sent."""
    inner = connection.connection() if isinstance(connection, Session) else connection
    driver: Any = inner.connection.dbapi_connection
    if driver.autocommit:
        raise ConfigError(
            "expected a connection whose statements can commit together, got one with isolation_level AUTOCOMMIT"
        )


class OnSqlAlchemySync:
    """A session inside SQLAlchemy's transaction, begun where it has not been.

    Over psycopg; and over the asynchronous drivers where the caller is inside `run_sync`. SQLAlchemy only sees to
    the transaction, the statements go to the driver; so errors are the driver's, too.
    """

    def __init__(self, connection: Connection | Session, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        connection = self._begun()
        dialect = connection.dialect
        if dialect.driver not in {"asyncpg", "psycopg"}:
            raise TypeError(
                "expected a SQLAlchemy connection through asyncpg or psycopg (postgresql+asyncpg://, "
                f"postgresql+psycopg://), got one through {dialect.name}+{dialect.driver}"
            )
        pooled: Any = connection.connection
        result: T
        if dialect.driver == "asyncpg":
            from dibs.storage.sessions.on_asyncpg import OnBorrowedAsyncpg

            # SQLAlchemy sends BEGIN with the first statement that it runs itself. On the bare driver connection,
            # what comes before that one would be committed on its own.
            if not pooled.driver_connection.is_in_transaction():
                connection.exec_driver_sql("select")
            result = pooled.run_async(lambda driver: OnBorrowedAsyncpg(driver, self._schema).run(operation))
        elif dialect.is_async:
            from dibs.storage.sessions.on_psycopg import OnPsycopg

            result = pooled.run_async(lambda driver: OnPsycopg(driver, self._schema).run(operation))
        else:
            from dibs.storage.sessions.on_psycopg_sync import OnPsycopgSync

            result = OnPsycopgSync(pooled.driver_connection, self._schema).run(operation)
        return result

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that commits at the end of the block."""
        refuse_open(is_open=self._connection.in_transaction())
        with self._connection.begin():
            refuse_autocommit(self._connection)
            yield

    def _begun(self) -> Connection:
        """The connection, in a transaction that SQLAlchemy knows of: else its commit would do nothing."""
        connection = self._connection.connection() if isinstance(self._connection, Session) else self._connection
        if not connection.in_transaction():
            connection.begin()
        return connection
