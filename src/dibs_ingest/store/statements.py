"""Statements are files: `sql/<name>.sql`, one statement each, valid SQL as they lie.

A file names tables behind the marker `/*schema.*/`, which becomes the schema's quoted name.
"""

from functools import cache
from importlib.resources import files

_MARKER = "/*schema.*/"


@cache
def sql(name: str, schema: str) -> str:
    """The text of `sql/<name>.sql` for tables in *schema*, without the comment at its top."""
    lines = files("dibs_ingest.store").joinpath("sql", f"{name}.sql").read_text("utf-8").splitlines(keepends=True)
    while lines and lines[0].startswith("--"):
        lines.pop(0)
    text = "".join(lines).rstrip().removesuffix(";")
    return f"/* dibs_ingest {name} */ " + text.replace(_MARKER, f"{quote(schema)}.")


def quote(identifier: str) -> str:
    """*identifier* as SQL writes it."""
    return '"' + identifier.replace('"', '""') + '"'
