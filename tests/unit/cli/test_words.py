"""How the command line writes numbers and foreign text."""

import pytest

from dibs.cli.words import age, count, plain, some


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (4.24, "4.2 s"),
        (59.9, "59.9 s"),
        (59.97, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3_600, "1 h 0 min"),
        (18_720.5, "5 h 12 min"),
        (788_400, "9 d 3 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str):
    assert age(seconds) == text


def test_one_is_not_many():
    assert [some(0), some(1), some(1200)] == ["0 jobs", "1 job", "1,200 jobs"]
    assert [count(1200, None), count(3, 10)] == ["1,200", "3/10"]


def test_foreign_text_keeps_its_letters_and_loses_its_control():
    assert plain("Grüße, 世界\n\tok") == "Grüße, 世界\n\tok"
    assert plain("\x1b[31mred\x07\r\x9b2J") == "\ufffd[31mred\ufffd\ufffd\ufffd2J"
