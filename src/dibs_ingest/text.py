"""Text fit for Postgres and for matching: no control characters or lone surrogates, accents folded alike."""

import re
import unicodedata

#: Control characters that carry no text. Postgres refuses NUL outright; a newline and a tab are kept.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\u00ad\u200b\ufffe\uffff]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Make *text* storable: line ends become newlines, control characters go, surrogates become U+FFFD."""
    text = _LINE_END.sub("\n", text)
    text = _CONTROL.sub("", text)
    text = _SURROGATE.sub("\ufffd", text).replace("\u00a0", " ")
    return _BLANK_LINES.sub("\n\n", text).strip()


def one_line(text: str) -> str:
    """Clean *text* and join its lines."""
    return _SPACES.sub(" ", clean(text)).strip()


def fold(text: str) -> str:
    """Take the accents off, so that *cafe* finds *café*. Used alike for what is indexed and what is asked."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))
