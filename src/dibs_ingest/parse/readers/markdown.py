"""Markdown: cut at its headings, otherwise left as it is, for it reads well as text."""

import re
from pathlib import Path

from dibs_ingest.parse.document import Outline, ParsedDocument
from dibs_ingest.parse.encoding import decode

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
#: `{#anchor}` after a heading, which several site generators read.
_ANCHOR = re.compile(r"\s*\{[#.:][^}]*\}\s*$")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>|<!--.*?-->")


def read(path: Path) -> ParsedDocument:
    """Read a Markdown file; see `Reader.read`."""
    text = decode(path.read_bytes()).replace("\r\n", "\n")
    outline = Outline()
    fence = ""
    previous = ""
    for line in [*_FRONT_MATTER.sub("", text).split("\n"), ""]:
        # A line is held back until it is known not to be the heading of an underline below it.
        underline = _UNDERLINE.fullmatch(line)
        if not fence and underline and previous.strip():
            outline.enter(1 if underline[1][0] == "=" else 2, _title(previous))
            previous = ""
            continue
        outline.add(previous)
        previous = ""
        heading = None if fence else _HEADING.fullmatch(line)
        if heading:
            outline.enter(len(heading[1]), _title(heading[2]))
            continue
        fence = _fence_after(line, fence)
        previous = line if fence else _TAG.sub("", line)
    outline.add(previous)
    return ParsedDocument(sections=outline.sections(), markdown=True)


def _title(line: str) -> str:
    return _TAG.sub("", _ANCHOR.sub("", line)).strip()


def _fence_after(line: str, fence: str) -> str:
    """The fence of the code block that *line* leaves us in, empty outside."""
    found = _FENCE.match(line)
    if not found:
        return fence
    if not fence:
        return found[1]
    closes = found[1].startswith(fence) and not line[found.end() :].strip()
    return "" if closes else fence
