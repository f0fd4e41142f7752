"""PDF, by PDFium: the text of every page, under the headings of the document's outline, or else by pages."""

import re
from collections import defaultdict
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw  # type: ignore[import-untyped]

from dibs_ingest.errors import UnusableDocumentError
from dibs_ingest.parse.document import Outline, ParsedDocument

#: PDFium marks a word broken at a line's end by U+0002.
_HYPHENATED = re.compile("\x02\r?\n?")
#: Dotted leaders are many tokens and no text.
_LEADERS = re.compile(r"(?:[.\u2026] ?){4,}")
#: A page with so many leaders per line is a table of contents: it names everything and tells nothing.
_CONTENTS_SHARE = 0.5
_SPACES = re.compile(r"\s+")
#: A whole PDF ends in this mark, give or take some padding.
_END_MARK = b"%%EOF"
_TAIL_BYTES = 8192
#: Fewer letters than this in a whole file are stamps on pictures of pages, not a text layer.
_LETTERS_MIN = 10

_Entries = dict[int, list[tuple[int, str]]]


def read(path: Path) -> ParsedDocument:
    """Read a PDF; see `Reader.read`."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            pages = [_page_text(document, number) for number in range(len(document))]
            entries = _outline_entries(document)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise UnusableDocumentError.protected() from None
        raise UnusableDocumentError.damaged("PDF") from None
    if _is_cut_off(path):
        # PDFium mends such a file and may leave pages out without a word.
        raise UnusableDocumentError.damaged("PDF")
    if sum(len(re.findall(r"\w", page)) for page in pages) < _LETTERS_MIN:
        raise UnusableDocumentError.scanned()
    outline = Outline()
    for number, page in enumerate(pages):
        _add_page(outline, page, entries[number] if entries else [(1, f"Page {number + 1}")])
    return ParsedDocument(sections=outline.sections())


def _page_text(document: pypdfium2.PdfDocument, number: int) -> str:
    page = document[number]
    textpage = page.get_textpage()
    text: str = textpage.get_text_bounded()
    textpage.close()
    page.close()
    text, leaders = _LEADERS.subn(" … ", _HYPHENATED.sub("", text).replace("\r\n", "\n"))
    return "" if leaders > _CONTENTS_SHARE * (text.count("\n") + 1) else text


def _outline_entries(document: pypdfium2.PdfDocument) -> _Entries:
    """The headings that begin on each page, as (level, title)."""
    entries: _Entries = defaultdict(list)
    for bookmark in document.get_toc():
        destination = bookmark.get_dest()
        page = destination.get_index() if destination else None
        if page is not None:
            entries[page].append((bookmark.level, bookmark.get_title()))
    return entries


def _add_page(outline: Outline, page: str, entries: list[tuple[int, str]]) -> None:
    """Cut a page where the titles of its headings stand; one not found begins where the last one did."""
    start = 0
    for level, title in entries:
        found = _find_line(page, title, start)
        if found is not None:
            outline.add(page[start : found[0]])
            start = found[1]
        outline.enter(level, title)
    outline.add(page[start:])


def _find_line(page: str, title: str, start: int) -> tuple[int, int] | None:
    """Where a line that begins with *title*, or with its number and *title*, stands on *page*."""
    words = r"\s+".join(re.escape(word) for word in _SPACES.split(title.strip()) if word)
    if not words:
        return None
    found = re.compile(rf"^[ \t]*(?:[\w.]+\s+){{0,2}}{words}[ \t]*$", re.MULTILINE | re.IGNORECASE).search(page, start)
    return found.span() if found else None


def _is_cut_off(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        return _END_MARK not in file.read()
