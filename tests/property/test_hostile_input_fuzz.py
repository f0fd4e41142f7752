"""What comes from outside is refused in order or taken as it is, whatever it is: nothing else is raised."""

import contextlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dibs.domain.codec import Signature
from dibs.domain.errors import ArgumentsError, ConfigError, DecryptionError
from dibs.domain.limits import NAME_LENGTH_MAX
from dibs.domain.sealing import open_sealed
from dibs.domain.task import check_queue
from dibs.encryption import Keys
from dibs.storage.connect import redact
from dibs.storage.rows import _arguments


class Colour(Enum):
    RED = "red"


def untyped(value, more=None):
    return value, more


def typed(
    number: int, ratio: float, text: str, raw: bytes, at: datetime, uid: UUID, price: Decimal, pause: timedelta,
    colour: Colour, path: Path, many: list[dict[str, int | None]], pair: tuple[int, str],
) -> None:  # fmt: skip
    """Takes one of each."""


PARAMETERS = [
    "value",
    "more",
    "number",
    "ratio",
    "text",
    "raw",
    "at",
    "uid",
    "price",
    "pause",
    "colour",
    "path",
    "many",
]
HOSTILE = [
    "", "null", "[]", "1", '"x"', "{", "{}", '{"value": NaN}', '{"value": Infinity}', '{"value": 1e999}',
    '{"value": -1e-999}', '{"value": ' + "9" * 10_000 + "}", '{"value": "\\ud800"}', '{"value": "\\u0000"}',
    '{"value": 1, "value": 2}', '{"value": ' + "[" * 10_000 + "]" * 10_000 + "}", '{"a":' * 10_000,
    '{"__proto__": 1, "value": 2}', "\x00", "\ufeff{}", '{"number": 1e400}', '{"price": "1e999999999"}',
    '{"price": "sNaN"}', '{"pause": "P99999999999D"}', '{"pause": 1e300}', '{"at": "99999-01-01"}', '{"at": 1e300}',
    '{"path": "\\u0000/../.."}', '{"uid": "x"}', '{"raw": "%%%"}',
]  # fmt: skip
keys = st.text() | st.sampled_from(PARAMETERS)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)
stored = (
    st.text()
    | st.dictionaries(st.sampled_from(PARAMETERS), values).map(json.dumps)
    | st.dictionaries(st.sampled_from(PARAMETERS), values).map(lambda value: json.dumps(value, ensure_ascii=False))
)
SIGNATURES = [Signature(untyped), Signature(typed)]
KEYS = Keys("A" * 43 + "=")


def hostile(check: Callable[[str], None]) -> Callable[[str], None]:
    """Try *check* on what is known to have broken decoders elsewhere, too."""
    for text in HOSTILE:
        check = example(text)(check)
    return check


@hostile
@given(stored)
def test_arguments_are_decoded_or_refused(text: str):
    for signature in SIGNATURES:
        with contextlib.suppress(ArgumentsError):
            signature.decode(text)


@hostile
@given(stored)
def test_arguments_are_shown_whatever_they_are(text: str):
    assert isinstance(_arguments(text), dict)


@hostile
@given(
    stored | stored.map(lambda text: f'{{"$encrypted":{text}}}') | st.text().map(lambda text: f"{KEYS.ids[0]}.{text}")
)
def test_sealed_arguments_are_opened_or_refused(text: str):
    with contextlib.suppress(DecryptionError):
        open_sealed(KEYS, "task", text)


@given(st.text())
def test_any_secret_is_opened_or_refused(text: str):
    for secret in (text, f"{KEYS.ids[0]}.{text}"):
        with contextlib.suppress(DecryptionError):
            KEYS.decrypt(secret)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_.:-]{1,120}", fullmatch=True) | st.integers() | st.binary())
def test_a_queues_name_is_plain_or_refused(name: Any):
    try:
        check_queue(name)
    except ConfigError:
        return
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]*", name, re.ASCII)
    assert len(name) <= NAME_LENGTH_MAX


passwords = st.text(min_size=6).filter(lambda word: len(set(word)) > 4)


@given(passwords, st.sampled_from(["postgresql://me:%s@db/shop", "postgres://%s@db:1/x?a=b", "me:%s@db"]))
def test_no_password_in_a_url_is_shown(password: str, form: str):
    if "%s@db:" in form:
        password = f"me:{password}"
    assert password.removeprefix("me:") not in redact(form % password).replace("***", "")


@pytest.mark.parametrize("name", ["a\n", "a\x00", "é", "a b", "-a", "٣"])
def test_a_queues_name_ends_where_it_ends(name: str):
    with pytest.raises(ConfigError):
        check_queue(name)
