"""Arguments, to JSON and back, guided by the signature."""

import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypedDict
from uuid import UUID

import pytest

from dibs import ArgumentsError, ConfigError, PayloadTooLargeError
from dibs.domain.codec import Signature
from dibs.domain.limits import ARGUMENT_BYTES_MAX


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int = 0


class Person(TypedDict):
    name: str


def plain(a, b=2, *, c=3):
    return a, b, c


def typed(number: int, text: str = "x", *, ratio: float | None = None):
    return number, text, ratio


async def rich(
    at: datetime, day: date, uid: UUID, price: Decimal, colour: Colour, point: Point, person: Person, path: Path,
    pause: timedelta, kinds: set[int], mode: Literal["a", "b"],
):  # fmt: skip
    return locals()


def called(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What the function gets after a journey through the database."""
    signature = Signature(function)
    args, kwargs = signature.decode(signature.encode(args, kwargs))
    return function(*args, **kwargs)


def test_arguments_arrive_as_they_were_given():
    assert called(plain, 1) == (1, 2, 3)
    assert called(plain, 1, c=[None, {"k": 1.5}]) == (1, 2, [None, {"k": 1.5}])
    assert called(plain, b="x", a=None) == (None, "x", 3)


async def test_rich_types_arrive_as_what_they_were():
    given: dict[str, Any] = {
        "at": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "day": date(2026, 1, 2),
        "uid": UUID(int=7),
        "price": Decimal("1.10"),
        "colour": Colour.RED,
        "point": Point(1, 2),
        "person": {"name": "Zoë"},
        "path": PurePosixPath("/tmp/a"),
        "pause": timedelta(seconds=90),
        "kinds": {1, 2},
        "mode": "b",
    }
    got = await called(rich, **given)
    assert got == given
    assert isinstance(got["path"], Path)


def test_text_of_every_kind_arrives():
    text = "nul \x00, quotes ' \", newline \n, fox 🦊, del \x7f, separator \u2028"
    assert called(plain, text)[0] == text


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((), {}, "missing required field `number`"),
        ((1, 2), {}, r"Expected `str`, got `int` - at `\$\.text`"),
        (("1",), {}, "Expected `int`, got `str`"),
        ((1,), {"nonsense": 1}, "nonsense"),
        ((), {"number": 1, "nonsense": 1}, "unknown field `nonsense`"),
        ((1, "a", 2.0), {}, "too many positional"),
        ((1,), {"number": 2}, "multiple values"),
        ((object(),), {}, "object has no JSON form"),
        ((1,), {"text": "\ud800"}, "surrogate|encode"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(args: tuple[Any, ...], kwargs: dict[str, Any], says: str):
    with pytest.raises(ArgumentsError, match=rf"(?s)^typed\(.*the arguments do not fit: .*({says})"):
        Signature(typed).encode(args, kwargs)


def test_arguments_that_hold_themselves_are_refused():
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ArgumentsError, match="do not fit"):
        Signature(plain).encode((endless,), {})


def test_the_worker_refuses_stored_arguments_that_do_not_fit():
    for stored in ('{"number": "x"}', "{}", "[]", "null", "{", '{"number": 1, "more": 2}'):
        with pytest.raises(ArgumentsError):
            Signature(typed).decode(stored)


def test_a_payload_may_be_as_large_as_the_limit_and_no_larger():
    frame = len('{"a":""}')
    assert len(Signature(plain).encode(("x" * (ARGUMENT_BYTES_MAX - frame),), {})) == ARGUMENT_BYTES_MAX
    with pytest.raises(PayloadTooLargeError, match=r"10,000,0\d\d bytes as JSON, at most 1,048,576 .* store the data"):
        Signature(plain).encode(("x" * 10_000_000,), {})


@pytest.mark.parametrize(
    "function", [lambda *a: a, lambda **k: k, lambda a, /: a], ids=["*args", "**kwargs", "positional only"]
)
def test_parameters_without_a_name_of_their_own_are_refused(function: Any):
    with pytest.raises(ConfigError, match="every parameter needs a name of its own"):
        Signature(function)


def test_a_hint_that_can_not_be_resolved_is_refused():
    def function(x: "Nowhere"):  # noqa: F821
        return x

    with pytest.raises(ConfigError, match="type hints can not be resolved"):
        Signature(function)


def test_a_hint_that_has_no_way_to_json_is_refused_when_the_task_is_made():
    def function(x: datetime | str | UUID):
        return x

    with pytest.raises(ConfigError, match="function"):
        Signature(function)


def test_a_default_stays_the_functions_own():
    marker = object()

    def function(x=marker):
        return x

    assert called(function) is marker
