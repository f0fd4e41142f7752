"""Text that Postgres takes, and names that are safe."""

import pytest

from dibs_ingest.api.receive import safe_filename
from dibs_ingest.snippet import SNIPPET_CHARACTERS, snippet
from dibs_ingest.text import clean, fold, one_line


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a\x00b", "ab"),
        ("bell\x07 and \x1bescape", "bell and escape"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("one\r\ntwo\rthree\x0bfour\x0cfive", "one\ntwo\nthree\nfour\nfive"),
        ("many\n\n\n \nlines", "many\n\nlines"),
        ("soft\u00adhyphen, hard\u00a0space", "softhyphen, hard space"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_clean_text_can_be_stored(given: str, expected: str):
    assert expected == clean(given)
    clean(given).encode()


def test_folded_text_has_no_accents():
    assert fold("café über façade") == "cafe uber facade"


def test_one_line_joins_lines():
    assert one_line(" a\n b\t\nc ") == "a b c"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\report.pdf", "report.pdf"),
        ("/absolute/report.pdf", "report.pdf"),
        ("..", "unnamed"),
        ("dir/", "unnamed"),
        ("", "unnamed"),
        (None, "unnamed"),
        ("a\x00b\r\n.pdf", "ab .pdf"),
        (".bashrc", "bashrc"),
        ("x" * 500 + ".pdf", "x" * 196 + ".pdf"),
        ("x" * 500, "x" * 200),
    ],
)
def test_a_filename_is_the_last_part_of_what_the_client_said(given: str | None, expected: str):
    assert expected == safe_filename(given)


def test_a_snippet_shows_where_the_words_of_the_question_stand():
    text = "Nothing of note. " * 40 + "Advisory locks are held until released. " + "More of nothing. " * 40
    found = snippet(text, "how long is an advisory lock held?")
    assert "Advisory locks are held" in found
    assert len(found) <= SNIPPET_CHARACTERS + 4


def test_a_short_text_is_its_own_snippet():
    assert snippet("Short\ntext.", "anything") == "Short text."


def test_a_snippet_of_one_endless_word_is_cut():
    assert len(snippet("x" * 1000, "x")) <= SNIPPET_CHARACTERS + 4
