"""When a failed attempt is tried again."""

from datetime import timedelta

import msgspec
import pytest

from dibs import ConfigError, Retry, Snooze
from dibs.domain.limits import ATTEMPTS_MAX, DELAY_SECONDS_MAX
from dibs.domain.retry import seconds


def delays(retry: Retry, count: int = 6) -> list[float]:
    return [retry.delay(attempt, lambda: 0.0) for attempt in range(1, count + 1)]


def test_there_is_one_attempt_more_than_there_are_delays():
    assert Retry(delays=[5, 15, 60]).attempts == 4
    assert Retry().attempts == 3


def test_the_last_delay_repeats():
    assert delays(Retry(attempts=9, delays=[5, timedelta(minutes=1)]), 4) == [5, 60, 60, 60]


def test_delays_are_taken_as_they_are_however_long():
    assert delays(Retry(delays=[2 * 86_400]), 1) == [2 * 86_400]


def test_backoff_doubles_up_to_its_maximum():
    assert delays(Retry(attempts=9, backoff=2, maximum=10)) == [2, 4, 8, 10, 10, 10]
    assert Retry(attempts=ATTEMPTS_MAX).delay(ATTEMPTS_MAX, lambda: 0.0) == 3600


def test_jitter_adds_its_share():
    retry = Retry(delays=[100], jitter=0.5)
    shares = iter([0.0, 0.5, 0.999])
    assert [retry.delay(1, lambda: next(shares)) for _ in range(3)] == pytest.approx([100, 125, 149.95])


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": ATTEMPTS_MAX + 1},
        {"delays": [-1]},
        {"delays": [float("nan")]},
        {"delays": [float("inf")]},
        {"delays": [DELAY_SECONDS_MAX * 2]},
        {"backoff": -1},
        {"maximum": float("inf")},
        {"jitter": -0.1},
        {"jitter": 1.1},
        {"jitter": float("nan")},
    ],
)
def test_numbers_that_can_not_work_are_refused(options: dict[str, object]):
    with pytest.raises(ConfigError, match=r"^Retry: .* got "):
        Retry(**options)


def test_a_policy_is_stored_and_read_back_as_it_was():
    retry = Retry(attempts=7, delays=[1, 2.5], maximum=60, jitter=0.25)
    assert msgspec.json.decode(msgspec.json.encode(retry), type=Retry) == retry


def test_durations_are_seconds_or_timedeltas():
    assert [seconds(2), seconds(0.5), seconds(timedelta(minutes=2))] == [2.0, 0.5, 120.0]
    assert Snooze(timedelta(minutes=1)).delay_seconds == 60.0
    assert str(Snooze(5)) == "snoozed for 5"


@pytest.mark.parametrize("delay", [float("nan"), float("inf"), 1e300, timedelta.max])
def test_a_snooze_that_postgres_could_not_add_to_the_present_is_refused(delay: float | timedelta):
    with pytest.raises(ConfigError, match="Snooze: a delay is at most"):
        Snooze(delay)
