"""What is written comes back, whatever it is."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from dibs.domain.codec import Signature
from dibs.domain.text import storable
from dibs.storage.copy_text import line

texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def untyped(first, second=None, *, third=None):
    return first, second, third


def typed(
    *, text: str, number: int, flag: bool, ratio: float, at: datetime, day: date, uid: UUID, price: Decimal,
    pause: timedelta, many: list[int], named: dict[str, str], maybe: int | None = None,
):  # fmt: skip
    return locals()


def journey(function: Any, *args: Any, **kwargs: Any) -> Any:
    signature = Signature(function)
    args, kwargs = signature.decode(signature.encode(args, kwargs))
    return function(*args, **kwargs)


@given(json_values, json_values, json_values)
def test_any_json_value_comes_back(first: Any, second: Any, third: Any):
    assert journey(untyped, first, second, third=third) == (first, second, third)
    assert journey(untyped, third=third, first=first) == (first, None, third)


@given(
    st.fixed_dictionaries(
        {
            "text": texts,
            "number": st.integers(-(2**63), 2**63 - 1),
            "flag": st.booleans(),
            "ratio": st.floats(allow_nan=False, allow_infinity=False),
            "at": st.datetimes(timezones=st.just(UTC)),
            "day": st.dates(),
            "uid": st.uuids(),
            "price": st.decimals(allow_nan=False, allow_infinity=False),
            "pause": st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
            "many": st.lists(st.integers(-(2**63), 2**63 - 1)),
            "named": st.dictionaries(texts, texts),
        },
        optional={"maybe": st.none() | st.integers(-(2**31), 2**31)},
    )
)
def test_typed_values_come_back_as_what_they_were(given_values: dict[str, Any]):
    assert journey(typed, **given_values) == {"maybe": None, **given_values}


@given(st.text(), st.integers(2, 50), st.booleans())
def test_stored_text_fits_and_can_be_stored(text: str, limit: int, keep_end: bool):  # noqa: FBT001 - hypothesis gives it
    stored = storable(text, limit, keep_end=keep_end)
    assert len(stored) <= limit
    assert "\x00" not in stored
    stored.encode("utf-8")
    assert storable(stored, limit, keep_end=keep_end) == stored


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1, max_size=5))
def test_a_row_in_copys_text_format_is_one_line_with_a_field_for_each_value(values: list[str]):
    written = line(values)
    fields = written.split("\t")
    assert "\n" not in written
    assert "\r" not in written
    assert [_unescaped(field) for field in fields] == values


def _unescaped(field: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[found[1]], field)
