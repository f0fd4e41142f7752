"""HTML, by lxml: the text of the page without its navigation, under its headings."""

import re
from pathlib import Path

from lxml import etree, html

from dibs_ingest.errors import UnusableDocumentError
from dibs_ingest.parse.document import Outline, ParsedDocument
from dibs_ingest.parse.encoding import declared_encoding, decode

_DROPPED = {
    "script",
    "style",
    "nav",
    "noscript",
    "template",
    "svg",
    "iframe",
    "object",
    "head",
    "select",
    "button",
}
_NAVIGATION = re.compile(r"\bnav(?:header|footer|bar|igation)\b|\bsidebar\b|\btoc\b|\bbreadcrumbs?\b", re.IGNORECASE)
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "header", "hr", "li", "main", "ol", "p", "pre", "section",
    "table", "tbody", "tfoot", "thead", "tr", "ul",
}  # fmt: skip
_PARAGRAPHS = {"p", "pre", "table", "ul", "ol", "dl", "blockquote", "div", "section"}
_HEADING = re.compile(r"h([1-6])")
_SPACES = re.compile(r"\s+")


def read(path: Path) -> ParsedDocument:
    """Read an HTML file; see `Reader.read`."""
    data = path.read_bytes()
    encoding = declared_encoding(data)
    if encoding is None:
        data, encoding = decode(data).encode("utf-8", "replace"), "utf-8"
    try:
        # Bytes, not text: lxml refuses a text that declares an encoding, as every XHTML page does.
        root = html.document_fromstring(data, parser=html.HTMLParser(encoding=encoding, huge_tree=True))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise UnusableDocumentError.damaged("HTML") from None
    walker = _Walker()
    title = root.findtext("head/title")
    if title and root.find(".//h1") is None and root.find(".//h2") is None:
        walker.outline.enter(0, title)
    walker.walk(root)
    return ParsedDocument(sections=walker.outline.sections())


class _Walker:
    """Goes through the tree once, without recursion: a page may be nested ten thousand deep."""

    def __init__(self) -> None:
        self.outline = Outline()
        self._line: list[str] = []
        self._preformatted = 0

    def walk(self, root: html.HtmlElement) -> None:
        events = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in events:
            if event in {"comment", "pi"}:
                self._text(element.tail)
            elif event == "end":
                self._leave(element)
            elif _is_dropped(element):
                events.skip_subtree()
            elif heading := _HEADING.fullmatch(element.tag):
                self._flush()
                self.outline.enter(int(heading[1]), " ".join(element.itertext()))
                events.skip_subtree()
            else:
                self._begin(element)
        self._flush()

    def _begin(self, element: html.HtmlElement) -> None:
        if element.tag in _BLOCKS:
            self._flush()
        elif element.tag in {"td", "th"} and self._line:
            self._line.append(" | ")
        if element.tag == "pre":
            self._preformatted += 1
        self._text(element.text)

    def _leave(self, element: html.HtmlElement) -> None:
        if element.tag in _BLOCKS and not _is_dropped(element):
            self._flush()
            if element.tag in _PARAGRAPHS:
                self.outline.add("")
            if element.tag == "pre":
                self._preformatted -= 1
        self._text(element.tail)

    def _text(self, text: str | None) -> None:
        if text:
            self._line.append(text if self._preformatted else _SPACES.sub(" ", text))

    def _flush(self) -> None:
        line = "".join(self._line)
        if line.strip():
            self.outline.add(line.strip("\n") if self._preformatted else line.strip())
        self._line = []


def _is_dropped(element: html.HtmlElement) -> bool:
    return (
        element.tag in _DROPPED
        or element.get("role") == "navigation"
        or element.get("hidden") is not None
        or bool(_NAVIGATION.search(element.get("class", "")))
    )
