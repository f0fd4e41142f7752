"""Which reader a file needs: told by its name, held against its first bytes."""

import codecs
from enum import StrEnum
from pathlib import PurePosixPath

from dibs_ingest.errors import Reason, UnusableDocumentError

#: How many first bytes `detect` wants to see. PDF readers accept a header anywhere in the first 1024.
HEAD_BYTES = 4096


class Kind(StrEnum):
    """A type of file there is a reader for."""

    PDF = "PDF"
    WORD = "Word (docx)"
    HTML = "HTML"
    MARKDOWN = "Markdown"
    TEXT = "text"
    CSV = "CSV"


SUFFIXES = {
    ".pdf": Kind.PDF,
    ".docx": Kind.WORD,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".text": Kind.TEXT,
    ".rst": Kind.TEXT,
    ".csv": Kind.CSV,
}

MEDIA_TYPES = {
    Kind.PDF: "application/pdf",
    Kind.WORD: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Kind.HTML: "text/html",
    Kind.MARKDOWN: "text/markdown",
    Kind.TEXT: "text/plain",
    Kind.CSV: "text/csv",
}

_ZIP = b"PK\x03\x04"
#: The container of .doc files, and of .docx files with a password.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: Beginnings that no text file has.
_BINARY = (_ZIP, _OLE, b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"\x1f\x8b", b"7z\xbc\xaf")
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
#: In no encoding of text there are more: escape, tab, form feed and the ends of lines are not among them.
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\x1b"))
_CONTROLS_SHARE_MAX = 0.01
#: A text may have lost its way through some old program; a few strays, a NUL among them, do no harm.
_STRAYS_MAX = 8
_PROTECTED_OR_OLD = (
    "The file is protected by a password, or it is of the old .doc format. "
    "Save it as .docx without a password and upload it again."
)


def detect(filename: str, head: bytes) -> Kind:
    """Tell the kind of a file from its name and its first `HEAD_BYTES` bytes.

    Raises:
        UnusableDocumentError: If it is empty, of no supported kind, or plainly not what its name says.
    """
    if not head.strip(b"\0\t\n\r "):
        raise UnusableDocumentError.empty()
    suffix = PurePosixPath(filename.lower()).suffix
    kind = SUFFIXES.get(suffix)
    if kind is None:
        return _sniff(head)
    if kind is Kind.PDF:
        _require(b"%PDF-" in head[:1024], kind)
    elif kind is Kind.WORD:
        if head.startswith(_OLE):
            raise UnusableDocumentError(Reason.PROTECTED, _PROTECTED_OR_OLD)
        _require(head.startswith(_ZIP), kind)
    else:
        _require(not head.startswith(_BINARY) and is_text(head), kind)
    return kind


def is_text(data: bytes) -> bool:
    """False for what no reader of text should see: more control characters than a few strays."""
    if data.startswith(_WIDE_MARKS):
        return True
    controls = len(data) - len(data.translate(None, _CONTROLS))
    return controls <= _STRAYS_MAX + len(data) * _CONTROLS_SHARE_MAX


def _sniff(head: bytes) -> Kind:
    """A file whose name says nothing is taken only where its content leaves no doubt."""
    if head.startswith(b"%PDF-"):
        return Kind.PDF
    if head.startswith(_ZIP) and b"word/" in head:
        return Kind.WORD
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return Kind.HTML
    raise UnusableDocumentError.unsupported(sorted(SUFFIXES))


def _require(holds: bool, kind: Kind) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise UnusableDocumentError(
            Reason.DAMAGED, f"The file is damaged, or it is not what its name says: it is no {kind} file."
        )
