"""Operations on a SQLAlchemy connection or session."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from dibs.storage.session import Operation, Row, Step, drive_sync
from dibs.storage.statement import Query

T = TypeVar("T")


class OnSqlAlchemySync:
    """A session inside SQLAlchemy's transaction, begun where it has not been.

    Over psycopg; and over the asynchronous drivers where the caller is inside `run_sync`.
    """

    def __init__(self, connection: Connection | Session, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def run(self, operation: Operation[T]) -> T:
        """Drive *operation* to its end and give what it returns."""
        return drive_sync(operation, self.execute)

    def execute(self, step: Step) -> Sequence[Row]:
        """Run one step and give its rows."""
        connection = self._begun()
        dialect = connection.dialect
        if dialect.driver == "asyncpg":
            return self._on_asyncpg(connection, step)
        if dialect.driver != "psycopg":
            raise TypeError(
                "expected a SQLAlchemy connection through asyncpg or psycopg (postgresql+asyncpg://, "
                f"postgresql+psycopg://), got one through {dialect.name}+{dialect.driver}"
            )
        return self._on_psycopg(connection, step)

    def _begun(self) -> Connection:
        """The connection, in a transaction that SQLAlchemy knows of: else its commit would do nothing."""
        connection = self._connection.connection() if isinstance(self._connection, Session) else self._connection
        if not connection.in_transaction():
            connection.begin()
        return connection

    def _on_asyncpg(self, connection: Connection, step: Step) -> Sequence[Row]:
        # SQLAlchemy sends BEGIN with the first statement that it runs itself. On the bare driver connection,
        # a statement before that one would be committed on its own.
        if isinstance(step, Query):
            result = connection.exec_driver_sql(step.statement.text(self._schema), step.params)
            return result.all() if result.returns_rows else ()
        from dibs.storage.sessions.on_asyncpg import OnBorrowedAsyncpg

        connection.exec_driver_sql("select")
        raw: Any = connection.connection.dbapi_connection
        raw.run_async(lambda driver: OnBorrowedAsyncpg(driver, self._schema).execute(step))
        return ()

    def _on_psycopg(self, connection: Connection, step: Step) -> Sequence[Row]:
        # psycopg itself begins a transaction with the first statement, whoever sends it.
        raw: Any = connection.connection
        rows: Sequence[Row]
        if connection.dialect.is_async:
            from dibs.storage.sessions.on_psycopg import OnPsycopg

            rows = raw.dbapi_connection.run_async(lambda driver: OnPsycopg(driver, self._schema).execute(step))
        else:
            from dibs.storage.sessions.on_psycopg_sync import OnPsycopgSync

            rows = OnPsycopgSync(raw.driver_connection, self._schema).execute(step)
        return rows
