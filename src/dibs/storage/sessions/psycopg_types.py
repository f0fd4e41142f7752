"""How psycopg is made to send and return what asyncpg does."""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper
from psycopg.pq import TransactionStatus
from psycopg.types.string import TextLoader

from dibs.storage.statement import Copy, quote


class Untyped(Dumper):
    """Sends a value as text and leaves its type to the statement, which casts every parameter.

    psycopg would name a type after each value: a list of ints is `smallint[]` or `bigint[]`, one of nulls has
    none, one with an int and a float is refused, and the same statement is prepared again for every mixture.
    (A str it leaves untyped by itself.)
    """

    def dump(self, obj: object) -> Buffer:
        """*obj* as Postgres reads it."""
        return str(obj).encode()


def speak_like_asyncpg(cursor: AdaptContext) -> None:
    """Set up one cursor; the caller's connection, and psycopg at large, stay as they are."""
    for kind in (bool, int, float, datetime, UUID):
        cursor.adapters.register_dumper(kind, Untyped)
    # The worker reads arguments with a decoder of its own, so JSON comes back as it was stored.
    cursor.adapters.register_loader("json", TextLoader)


def commits_at_once(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """True when the next statement would be a transaction by itself."""
    return connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE


def copy_statement(step: Copy, schema: str) -> bytes:
    """The COPY that takes the rows of *step* as text."""
    columns = ", ".join(map(quote, step.columns))
    return f"copy {quote(schema)}.{quote(step.table)} ({columns}) from stdin".encode()
