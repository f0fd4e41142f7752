"""Where in line a claim begins, by what the ones before it found."""

from typing import Any

from dibs.domain.job import ClaimedJob
from dibs.engine.claim import Floor
from dibs.worker.floors import FLOORS_MAX, Floors


def job(id_: int, *, queue_id: int = 1, priority: int = 0) -> ClaimedJob:
    fields: dict[str, Any] = {"token": 1, "lost": 0, "attempt": 1, "task": "t", "args_json": "{}", "max_attempts": 3}
    fields |= {"timeout_seconds": None, "retry_json": None, "batch_id": None}
    return ClaimedJob(id=id_, queue_id=queue_id, priority=priority, **fields)


def test_a_claim_goes_on_behind_the_last_one():
    floors = Floors(1)
    floors.claimed([job(3), job(5)], wanted=2)
    assert floors.hints() == (Floor(1, 0, 6),)
    floors.claimed([job(7)], wanted=2)
    assert floors.hints() == (Floor(1, 0, 8),)


def test_jobs_that_went_back_are_claimed_one_after_the_other():
    floors = Floors(1)
    floors.claimed([job(300)], wanted=2)
    floors.begin_at_head()
    floors.claimed([job(10), job(11)], wanted=2)
    assert floors.hints() == (Floor(1, 0, 12),), "there are more of them"


def test_behind_the_last_that_went_back_claims_go_on_where_they_had_been():
    """Else each look would wade through all that was taken in between, while an old snapshot keeps it there."""
    floors = Floors(1)
    floors.claimed([job(300)], wanted=2)
    floors.claimed([job(10), job(11)], wanted=2)
    floors.claimed([], wanted=2)
    assert floors.hints() == (Floor(1, 0, 301),)


def test_the_best_priorities_come_first_and_so_many_are_remembered():
    floors = Floors(1)
    floors.claimed([job(n, priority=n) for n in range(FLOORS_MAX + 5)], wanted=100)
    assert [floor.priority for floor in floors.hints()] == list(range(FLOORS_MAX + 4, 4, -1))
