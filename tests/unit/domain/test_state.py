"""States and outcomes."""

from dibs.domain.outcome import Verdict
from dibs.domain.state import FINAL_STATES, TRANSITIONS, JobState


def test_every_state_has_its_transitions():
    assert set(TRANSITIONS) == set(JobState)


def test_final_states_are_those_that_only_an_operator_leaves():
    assert {state for state in JobState if state.is_final} == FINAL_STATES
    for state in FINAL_STATES:
        assert TRANSITIONS[state] <= {JobState.READY}


def test_no_state_leads_to_itself():
    assert all(state not in leads_to for state, leads_to in TRANSITIONS.items())


def test_every_state_can_be_reached_from_the_line_or_the_schedule():
    reached = {JobState.READY, JobState.SCHEDULED}
    while more := set().union(*(TRANSITIONS[state] for state in reached)) - reached:
        reached |= more
    assert reached == set(JobState)


def test_each_verdict_has_one_letter_of_its_own():
    assert sorted(Verdict) == sorted("sfcrzuh")
