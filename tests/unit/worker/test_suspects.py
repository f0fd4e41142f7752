"""How many jobs that may have killed a worker one dares at the same time."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs

from dibs.domain.job import ClaimedJob
from dibs.worker import suspects
from dibs.worker.suspects import (
    GAP_SECONDS,
    PAUSE_SECONDS,
    PAUSE_SECONDS_MAX,
    SUSPECT_SECONDS,
    TRUST_SECONDS,
    Suspects,
)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(suspects, "monotonic", clock)
    return clock


def job(id_: int, *, lost: int = 1, attempt: int = 2) -> ClaimedJob:
    fields: dict[str, Any] = {"queue_id": 1, "priority": 0, "task": "t", "args_json": "{}", "max_attempts": 3}
    fields |= {"timeout_seconds": None, "retry_json": None, "batch_id": None}
    return ClaimedJob(id=id_, token=1, lost=lost, attempt=attempt, **fields)


def admitted(held: Suspects, *jobs: ClaimedJob) -> list[int]:
    return [each.id for each in jobs if held.admits(each)]


def test_the_end_of_a_run_that_was_lost_does_not_free_the_place_of_the_next_one():
    """A worker that was given up may claim a job anew while its old run of it has not come to its end."""
    held, again = Suspects(), structs.replace(job(1), token=2)
    assert held.admits(again)
    held.ended(job(1))
    held.forget([job(1)])
    assert admitted(held, job(2)) == []
    held.ended(again)
    assert admitted(held, job(2)) == [2]


def test_it_begins_with_one():
    held = Suspects()
    assert admitted(held, job(1), job(2), job(3)) == [1]


def test_each_that_ends_makes_it_dare_one_more():
    held, waiting, rounds = Suspects(), [job(n) for n in range(1000)], 0
    while waiting:
        begun = set(admitted(held, *waiting))
        for each in waiting:
            held.ended(each)
        waiting = [each for each in waiting if each.id not in begun]
        rounds += 1
    assert rounds == 10, "twice as many each time"


def test_one_that_runs_long_does_not_keep_the_next_one_waiting(clock: Clock):
    held = Suspects()
    assert admitted(held, job(1)) == [1]
    clock.now += SUSPECT_SECONDS
    assert admitted(held, job(2), job(3)) == [2]


@pytest.mark.parametrize("lonely", [job(1, lost=2), job(1, attempt=3)], ids=["lost twice", "at its last attempt"])
def test_one_that_must_not_take_others_along_nor_be_taken_is_alone(clock: Clock, lonely: ClaimedJob):
    held = Suspects()
    assert admitted(held, job(2)) == [2]
    clock.now += SUSPECT_SECONDS
    assert admitted(held, lonely) == []
    held.ended(job(2))
    assert admitted(held, lonely) == [1]
    clock.now += SUSPECT_SECONDS
    assert admitted(held, job(3)) == []
    held.ended(lonely)
    assert admitted(held, job(3)) == [3]


def test_trust_does_not_outlast_the_death_it_was_won_after(clock: Clock):
    held = Suspects()
    for n in range(10):
        assert admitted(held, job(n)) == [n]
        held.ended(job(n))
    clock.now += TRUST_SECONDS
    assert admitted(held, job(11), job(12)) == [11]


def test_what_never_began_wins_no_trust():
    held = Suspects()
    assert admitted(held, job(1)) == [1]
    held.forget([job(1)])
    held.ended(job(1))
    assert admitted(held, job(2), job(3)) == [2]


def test_those_that_must_wait_come_back_one_by_one(clock: Clock):
    held = Suspects()
    assert admitted(held, job(1)) == [1]
    pauses = [held.pause_seconds() for _ in range(100)]
    assert pauses[0] == PAUSE_SECONDS
    assert [round(later - earlier, 6) for earlier, later in pairwise(pauses)] == [GAP_SECONDS] * 99
    clock.now += pauses[-1]
    assert held.pause_seconds() >= PAUSE_SECONDS + clock.now, "the one that runs, runs for long"


def test_they_come_back_at_the_pace_at_which_suspects_end(clock: Clock):
    held = Suspects()
    for n in range(20):
        assert admitted(held, job(n, lost=2)) == [n]
        clock.now += 4.0
        held.ended(job(n, lost=2))
    pauses = [held.pause_seconds() for _ in range(20)]
    assert pauses[1] - pauses[0] == pytest.approx(4.0, rel=0.01)
    assert max(pauses) == PAUSE_SECONDS_MAX
