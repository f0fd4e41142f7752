"""Text that Postgres can store."""

import pytest

from dibs.domain.text import storable


@pytest.mark.parametrize(
    ("text", "stored"),
    [("plain", "plain"), ("", ""), ("a\x00b", "a\ufffdb"), ("half \ud800", "half ?"), ("naïve 🦊", "naïve 🦊")],
)
def test_what_a_column_refuses_is_replaced(text: str, stored: str):
    assert storable(text, 100) == stored


def test_long_text_is_cut_and_says_so():
    assert storable("0123456789", 10) == "0123456789"
    assert storable("0123456789x", 10) == "012345678…"
    assert storable("x0123456789", 10, keep_end=True) == "…123456789"
