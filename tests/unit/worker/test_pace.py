"""When to look again."""

from dibs.worker.pace import ASLEEP_POLL_SECONDS_MAX, AWAKE_POLL_SECONDS, AWAKE_POLLS, POLL_SECONDS_MAX, Pace


def test_after_a_find_it_looks_again_at_once():
    pace = Pace()
    pace.found()
    assert pace.next_look_seconds() == 0.0


def test_awake_it_looks_a_few_times_and_then_falls_asleep():
    pace = Pace()
    for _ in range(AWAKE_POLLS):
        assert not pace.should_sleep
        pace.found_nothing()
        assert pace.next_look_seconds() == AWAKE_POLL_SECONDS
    assert pace.should_sleep


def test_asleep_it_looks_once_more_at_once_and_then_less_and_less():
    pace = Pace()
    pace.fell_asleep()
    assert pace.next_look_seconds() == 0.0
    pauses = []
    for _ in range(20):
        pace.found_nothing()
        pauses.append(pace.next_look_seconds())
    told = [pause for pause in pauses if pause is not None]
    assert told == sorted(told)
    assert max(told) <= ASLEEP_POLL_SECONDS_MAX
    assert pauses[-1] is None, "in the end only a notification or a heartbeat brings a look"


def test_one_find_does_not_wake_it_and_two_close_together_do():
    pace = Pace()
    pace.fell_asleep()
    pace.found()
    assert not pace.should_wake
    pace.found()
    assert pace.should_wake
    pace.woke()
    assert not pace.is_asleep


def test_a_worker_that_can_not_be_notified_never_sleeps_and_looks_ever_more_seldom():
    pace = Pace(can_be_notified=False)
    pauses = []
    for _ in range(20):
        pace.found_nothing()
        assert not pace.should_sleep
        pauses.append(pace.next_look_seconds())
    assert pauses[:AWAKE_POLLS] == [AWAKE_POLL_SECONDS] * AWAKE_POLLS
    assert all(0.75 * POLL_SECONDS_MAX <= pause <= POLL_SECONDS_MAX for pause in pauses[10:])
