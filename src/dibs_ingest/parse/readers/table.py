"""CSV: each row becomes a line that names its columns, so that a row found alone can be understood."""

import csv
import io
from pathlib import Path

from dibs_ingest.errors import UnusableDocumentError
from dibs_ingest.parse.document import ParsedDocument, Section
from dibs_ingest.parse.encoding import decode
from dibs_ingest.text import clean, one_line

_SAMPLE = 20_000


def read(path: Path) -> ParsedDocument:
    """Read a CSV file; see `Reader.read`."""
    text = decode(path.read_bytes()).replace("\0", "")
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:_SAMPLE], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), dialect) if any(row)]
    except csv.Error:
        raise UnusableDocumentError.damaged("CSV") from None
    header, body = (rows[0], rows[1:]) if len(rows) > 1 else ([], rows)
    body_text = clean("\n".join(_line(header, row) for row in body))
    return ParsedDocument(sections=(Section(text=body_text),) if body_text else ())


def _line(header: list[str], row: list[str]) -> str:
    names = [*header, *[""] * len(row)]
    cells = [(one_line(name), one_line(cell)) for name, cell in zip(names, row, strict=False)]
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in cells if cell)
