"""Laws of retry policies."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dibs import Retry
from dibs.domain.limits import ATTEMPTS_MAX, DELAY_SECONDS_MAX

durations = st.floats(0, DELAY_SECONDS_MAX)
policies = st.builds(
    Retry,
    attempts=st.none() | st.integers(1, ATTEMPTS_MAX),
    delays=st.lists(durations, max_size=5),
    backoff=durations,
    maximum=durations,
    jitter=st.floats(0, 1),
)
attempts = st.integers(1, ATTEMPTS_MAX)
shares = st.floats(0, 1, exclude_max=True)


@given(policies, attempts, shares)
def test_a_delay_is_never_negative_and_never_beyond_its_bound(retry: Retry, attempt: int, share: float):
    delay = retry.delay(attempt, lambda: share)
    bound = max(retry.delays) if retry.delays else retry.maximum
    assert 0 <= delay <= bound * (1 + retry.jitter)


@given(policies, attempts)
def test_jitter_only_ever_adds_and_at_most_its_share(retry: Retry, attempt: int):
    base = retry.delay(attempt, lambda: 0.0)
    assert base <= retry.delay(attempt, lambda: 0.999999) <= base * (1 + retry.jitter)


@given(st.builds(Retry, backoff=durations, maximum=durations), attempts)
def test_backoff_never_shrinks(retry: Retry, attempt: int):
    assert retry.delay(attempt, lambda: 0.0) <= retry.delay(attempt + 1, lambda: 0.0)


@given(st.lists(durations, min_size=1, max_size=9))
def test_delays_are_used_in_their_order(delays: list[float]):
    retry = Retry(delays=delays)
    assert [retry.delay(attempt, lambda: 0.0) for attempt in range(1, retry.attempts)] == delays


@given(policies)
def test_a_policy_survives_its_journey_through_the_database(retry: Retry):
    assert msgspec.json.decode(msgspec.json.encode(retry), type=Retry) == retry
