"""Statements are files: `sql/<folder>/<name>.sql`, one statement each, valid SQL as they lie.

A file names tables behind the marker `/*schema.*/`, which becomes the schema's quoted name; without it, the file runs
in psql with a search_path. The comment at the top is for readers and is not sent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final

SCHEMA_MARKER = "/*schema.*/"

_PIECE_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Statement:
    """A named SQL statement; calling it with parameters gives a `Query`."""

    name: str
    template: str

    def __call__(self, *params: Any) -> "Query":
        """This statement with its parameters."""
        return Query(self, params)

    def text(self, schema: str) -> str:
        """The SQL to send, for tables in *schema*."""
        return bind(self.template, schema)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement to run, with its parameters."""

    statement: Statement
    params: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """Rows to copy into a table, in bulk."""

    table: str
    columns: tuple[str, ...]
    lines: Iterable[str]
    """As `copy_text` writes them; made while they are sent."""

    def pieces(self) -> Iterator[str]:
        """All lines, some at a time: the server reads the first while the next are made."""
        lines = iter(self.lines)
        while piece := list(islice(lines, _PIECE_LINES)):
            yield "\n".join((*piece, ""))


@cache
def bind(template: str, schema: str) -> str:
    """*template* for tables in *schema*."""
    # Inside a string, as in '/*schema.*/wake', a quote in the name is written twice.
    template = template.replace(f"'{SCHEMA_MARKER}", "'" + f"{quote(schema)}.".replace("'", "''"))
    return template.replace(SCHEMA_MARKER, f"{quote(schema)}.")


def quote(identifier: str) -> str:
    """*identifier* as SQL writes it."""
    return '"' + identifier.replace('"', '""') + '"'


def channel(schema: str, name: str) -> str:
    """The name of a notification channel, as the statements spell it."""
    return bind(SCHEMA_MARKER + name, schema)


def read(name: str) -> Statement:
    """The statement in `sql/<name>.sql`."""
    lines = files("dibs.storage").joinpath("sql", f"{name}.sql").read_text("utf-8").splitlines(keepends=True)
    while lines and lines[0].startswith("--"):
        lines.pop(0)
    return Statement(name, f"/* dibs {name} */ " + "".join(lines).rstrip().removesuffix(";"))
