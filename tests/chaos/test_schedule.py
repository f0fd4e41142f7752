"""The schedule of strikes: decided by the seed alone, and complete."""

from collections import Counter

from chaos.schedule import schedule

NAMES = ("kill", "stop", "crash")


def test_the_same_seed_gives_the_same_strikes_and_another_seed_others():
    assert schedule(3, 60.0, NAMES) == schedule(3, 60.0, NAMES)
    assert schedule(3, 60.0, NAMES) != schedule(4, 60.0, NAMES)


def test_each_nemesis_strikes_even_in_a_run_that_is_too_short_for_pauses():
    strikes = schedule(1, 2.0, NAMES)
    assert {strike.name for strike in strikes} == set(NAMES)
    assert all(0 <= strike.at_seconds <= 2.0 for strike in strikes)


def test_a_long_run_is_struck_evenly_by_all():
    strikes = schedule(1, 600.0, NAMES)
    counts = Counter(strike.name for strike in strikes)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert [strike.at_seconds for strike in strikes] == sorted(strike.at_seconds for strike in strikes)


def test_no_nemesis_is_no_strike():
    assert schedule(1, 60.0, ()) == []
