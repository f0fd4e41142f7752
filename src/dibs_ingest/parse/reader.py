"""The contract of a reader, and which reader reads which kind of file."""

import importlib
from pathlib import Path
from typing import Protocol

from dibs_ingest.parse.document import ParsedDocument
from dibs_ingest.parse.kind import Kind


class Reader(Protocol):
    """A module of `readers`."""

    def read(self, path: Path) -> ParsedDocument:
        """Read the file at *path*.

        Raises:
            UnusableDocumentError: If the file can not be read, now or ever.
        """
        ...


_READERS = {
    Kind.PDF: "pdf",
    Kind.WORD: "word",
    Kind.HTML: "web",
    Kind.MARKDOWN: "markdown",
    Kind.TEXT: "plain",
    Kind.CSV: "table",
}


def reader_for(kind: Kind) -> Reader:
    """Load the reader of *kind*, and only that: all parsers together take two seconds to import."""
    module: Reader = importlib.import_module(f"dibs_ingest.parse.readers.{_READERS[kind]}")
    return module
