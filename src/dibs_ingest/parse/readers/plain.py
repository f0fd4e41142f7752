"""Plain text: underlined headings, as reStructuredText and many README files have them, make the sections."""

import re
from pathlib import Path

from dibs_ingest.parse.document import Outline, ParsedDocument
from dibs_ingest.parse.encoding import decode

_UNDERLINE = re.compile(r"([=\-~^*+#\"'])\1{2,}\s*")


def read(path: Path) -> ParsedDocument:
    """Read a text file; see `Reader.read`."""
    lines = decode(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    outline = Outline()
    # As in reStructuredText, the first mark seen is the outermost level.
    levels: dict[str, int] = {}
    index = 0
    while index < len(lines):
        mark = _heading_mark(lines, index)
        if mark:
            outline.enter(levels.setdefault(mark, len(levels) + 1), lines[index])
            index += 2
        else:
            outline.add(lines[index])
            index += 1
    return ParsedDocument(sections=outline.sections())


def _heading_mark(lines: list[str], index: int) -> str | None:
    """The character that underlines line *index*, if that is a heading: alone, above a mark about as long."""
    title = lines[index].rstrip()
    if not title or title.startswith((" ", "\t")) or index + 1 >= len(lines) or (index and lines[index - 1].strip()):
        return None
    found = _UNDERLINE.fullmatch(lines[index + 1])
    if found is None or len(found[0].rstrip()) < len(title) - 1 or _UNDERLINE.fullmatch(title):
        return None
    return found[1]
