"""Bytes of an unknown encoding to text."""

import codecs
import re

import charset_normalizer

#: Enough to tell an encoding by; detection takes time in proportion.
_SAMPLE_BYTES = 200_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARATION = re.compile(rb"""(?:charset\s*=|<\?xml[^>]*encoding\s*=)\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)


def decode(data: bytes) -> str:
    """Read *data* by its byte order mark, as UTF-8, or in the likeliest other encoding; never fails."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_likeliest(data[:_SAMPLE_BYTES]), "replace")


def _likeliest(sample: bytes) -> str:
    matches = list(charset_normalizer.from_bytes(sample))
    if not matches:
        return "latin-1"
    # French reads as well in the Baltic encoding as in the Western one, to a machine; the Western one is likelier.
    alike = [match.encoding for match in matches if match.coherence >= matches[0].coherence]
    return "cp1252" if "cp1252" in alike else matches[0].encoding


def declared_encoding(data: bytes) -> str | None:
    """The encoding that an HTML page names, if Python knows it; a byte order mark goes before."""
    if data.startswith(tuple(mark for mark, _ in _MARKS)):
        return None
    found = _DECLARATION.search(data[:4096])
    if found is None:
        return None
    try:
        return codecs.lookup(found[1].decode("ascii")).name
    except (LookupError, UnicodeDecodeError):
        return None
