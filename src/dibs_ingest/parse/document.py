"""What a reader makes of a file: sections of text, each under its headings."""

from dataclasses import dataclass, field

from dibs_ingest.text import clean, one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of text and the headings it stands under, outermost first."""

    path: tuple[str, ...] = ()
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """All text of a file in reading order."""

    sections: tuple[Section, ...]
    #: Whether the text is Markdown, so that it is cut at Markdown's own joints.
    markdown: bool = False


@dataclass(slots=True)
class Outline:
    """Gathers sections while a reader walks a file: `enter` a heading, `add` the text below it."""

    _headings: list[tuple[int, str]] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _sections: list[Section] = field(default_factory=list)

    def enter(self, level: int, title: str) -> None:
        """Begin the section *title*; headings of the same or a deeper *level* are left behind."""
        self._close()
        title = one_line(title)[:200]
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        if title:
            self._headings.append((level, title))

    def add(self, text: str) -> None:
        """Append lines to the current section."""
        self._lines.append(text)

    def sections(self) -> tuple[Section, ...]:
        """Every section with text in it."""
        self._close()
        return tuple(self._sections)

    def _close(self) -> None:
        text = clean("\n".join(self._lines))
        if text:
            # A title page often repeats the first heading.
            path = dict.fromkeys(title for _, title in self._headings)
            self._sections.append(Section(path=tuple(path), text=text))
        self._lines = []
