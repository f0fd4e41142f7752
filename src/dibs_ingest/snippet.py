"""The part of a chunk that is worth showing."""

import re

from dibs_ingest.text import fold, one_line

SNIPPET_CHARACTERS = 240
_WORD = re.compile(r"\w{3,}")
_STEM_CHARACTERS = 5


def snippet(text: str, question: str) -> str:
    """The stretch of *text* with most words of *question* in it, on one line, cut at words."""
    text = one_line(text)
    if len(text) <= SNIPPET_CHARACTERS:
        return text
    # Beginnings of words stand in for stems: "locking" is to show "locks".
    wanted = {word[:_STEM_CHARACTERS] for word in _WORD.findall(fold(question).lower())}
    words = [(found.start(), fold(found[0]).lower()[:_STEM_CHARACTERS]) for found in _WORD.finditer(text)]
    places = [place for place, stem in words if stem in wanted]
    start = max(places or [0], key=lambda place: (_within(places, place), -place))
    # A little of what comes before, so that the first hit is read in its place.
    start = min(max(0, start - SNIPPET_CHARACTERS // 6), len(text) - SNIPPET_CHARACTERS)
    return _cut(text, start, start + SNIPPET_CHARACTERS)


def _within(places: list[int], start: int) -> int:
    reach = start + SNIPPET_CHARACTERS * 5 // 6
    return sum(start <= place < reach for place in places)


def _cut(text: str, start: int, end: int) -> str:
    if start > 0:
        start = text.find(" ", start, end) + 1 or start
    if end < len(text):
        end = text.rfind(" ", start, end) if " " in text[start:end] else end
    return ("… " if start > 0 else "") + text[start:end].strip() + (" …" if end < len(text) else "")
