"""Rows in the text format of COPY."""

from collections.abc import Iterable
from typing import Any

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def encode(records: Iterable[tuple[Any, ...]]) -> bytes:
    """*records* as COPY reads them."""
    return "".join(["\t".join([_field(value) for value in record]) + "\n" for record in records]).encode()


def _field(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, list):
        return ("{" + ",".join(map(_element, value)) + "}").translate(_ESCAPES)
    return str(value)


def _element(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
