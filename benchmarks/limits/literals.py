"""Values as SQL writes them, for pgbench, which sends text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dibs.storage.statement import Query


def literal(value: Any) -> str:
    """*value* as a literal without a type: the statement's own casts say what it is."""
    if value is None:
        return "null"
    return "'" + _text(value).replace("'", "''") + "'"


def prepare(name: str, query: Query, schema: str) -> str:
    """The statement of *query*, word for word, prepared under *name*."""
    return f"prepare {name} as {query.statement.text(schema)};"


def execute(name: str, params: Sequence[str]) -> str:
    """Run what was prepared; the parameters are literals, or variables of pgbench."""
    return f"execute {name}({', '.join(params)});"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):  # what asyncpg makes of "char"
        return value.decode()
    if isinstance(value, list | tuple):
        return "{" + ",".join(map(_element, value)) + "}"
    return str(value)


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    return '"' + _text(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
