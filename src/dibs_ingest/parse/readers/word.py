"""Word (docx), by python-docx: paragraphs and tables in order, under the headings by style."""

import re
import zipfile
from pathlib import Path

import docx
from docx.document import Document
from docx.opc.exceptions import OpcError
from docx.table import Table
from lxml import etree

from dibs_ingest.errors import Reason, UnusableDocumentError
from dibs_ingest.parse.document import Outline, ParsedDocument

#: A docx is a zip: what it unpacks to is bounded before anything is unpacked.
_UNPACKED_BYTES_MAX = 500_000_000
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


def read(path: Path) -> ParsedDocument:
    """Read a docx; see `Reader.read`."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
        if unpacked_bytes > _UNPACKED_BYTES_MAX:
            raise UnusableDocumentError(Reason.TOO_LARGE, "The file unpacks to more than the limit of 500 MB.")
        document = docx.Document(str(path))
        return ParsedDocument(sections=_walk(document).sections())
    # The archive, its parts and their XML each fail in their own way when a file is cut off or no docx.
    except (
        zipfile.BadZipFile,
        OpcError,
        KeyError,
        ValueError,
        etree.XMLSyntaxError,
        EOFError,
        AttributeError,
    ):
        raise UnusableDocumentError.damaged("Word (docx)") from None


def _walk(document: Document) -> Outline:
    outline = Outline()
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            outline.add("\n".join(_rows(block)))
            continue
        style = block.style.name if block.style and block.style.name else ""
        heading = _HEADING.match(style)
        if heading:
            outline.enter(int(heading[1]), block.text)
        elif style == "Title":
            outline.enter(0, block.text)
        else:
            outline.add(block.text + "\n")
    return outline


def _rows(table: Table) -> list[str]:
    rows = []
    for row in table.rows:
        # A merged cell is handed out once for every column it spans.
        cells = list(dict.fromkeys(cell.text.strip() for cell in row.cells))
        rows.append(" | ".join(cell for cell in cells if cell))
    return rows
