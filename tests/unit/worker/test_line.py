"""The line inside a worker: what waits, what runs, and how much to claim."""

import asyncio
from typing import Any

import pytest

from dibs.domain.job import ClaimedJob
from dibs.worker import line as lines
from dibs.worker.line import AHEAD_MAX, AHEAD_SECONDS, Line
from dibs.worker.suspects import Suspects


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lines, "monotonic", clock)
    return clock


@pytest.fixture
def line(clock: Clock) -> Line:
    return Line("default", 4, Suspects())


def job(id_: int, lost: int = 0) -> ClaimedJob:
    fields: dict[str, Any] = {"queue_id": 1, "priority": 0, "attempt": 1, "task": "t", "args_json": "{}"}
    fields |= {"max_attempts": 3, "timeout_seconds": None, "retry_json": None, "batch_id": None}
    return ClaimedJob(id=id_, token=1, lost=lost, **fields)


async def test_an_empty_line_wants_a_job_for_each_slot(line: Line):
    assert line.wanted() == 4
    line.put([job(1), job(2)])
    assert line.wanted() == 2, "the others have free slots, be it that those two have not begun yet"
    await line.take()
    await line.take()
    assert line.wanted() == 2


async def test_jobs_are_taken_in_their_order(line: Line):
    line.put([job(1), job(2)])
    assert [(await line.take()).id for _ in range(2)] == [1, 2]
    assert line.running == 2


async def test_a_hungry_slot_is_fed(line: Line):
    taking = asyncio.ensure_future(line.take())
    await asyncio.sleep(0)
    line.put([job(1)])
    assert (await taking).id == 1


async def test_the_job_of_a_slot_that_was_cancelled_goes_to_another(line: Line):
    first, second = asyncio.ensure_future(line.take()), asyncio.ensure_future(line.take())
    await asyncio.sleep(0)
    line.put([job(1)])
    first.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    is_fed = second.done()
    second.cancel()
    assert first.cancelled()
    assert is_fed


async def test_a_line_held_back_starts_nothing(line: Line):
    line.put([job(1)])
    line.hold_back(held_back=True)
    taking = asyncio.ensure_future(line.take())
    await asyncio.sleep(0)
    assert not taking.done()
    line.hold_back(held_back=False)
    assert (await taking).id == 1


async def test_what_waits_can_be_taken_back(line: Line):
    line.put([job(1), job(2)])
    await line.take()
    assert [held.id for held in line.held()] == [2]
    assert [back.id for back in line.take_back()] == [2]
    assert line.held() == []


async def test_short_jobs_are_claimed_ahead_of_the_slots_long_ones_never(line: Line, clock: Clock):
    for seconds, ahead in ((0.0001, True), (10.0, False)):
        for _ in range(8):
            for n in range(1000):
                line.put([job(n)])
                line.ended(await line.take(), seconds)
            clock.now += AHEAD_SECONDS
            line.measure()
        assert (line.wanted() > line.slots) == ahead
        assert line.wanted() <= line.slots + AHEAD_MAX


def test_suspects_that_must_wait_are_sorted_out(line: Line):
    kept, too_many = line.sort_out([job(1, lost=1), job(2, lost=1), job(3)])
    assert ([each.id for each in kept], [each.id for each, _ in too_many]) == ([1, 3], [2])


async def test_a_suspect_that_ends_makes_room_for_others(line: Line):
    line.put(line.sort_out([job(1, lost=1)])[0])
    line.ended(await line.take(), 1.0)
    assert [each.id for each in line.sort_out([job(2, lost=1), job(3, lost=1), job(4, lost=1)])[0]] == [2, 3]


def test_a_suspect_that_is_given_up_makes_room_for_itself_only(line: Line):
    line.put(line.sort_out([job(1, lost=1)])[0])
    line.take_back()
    assert [each.id for each in line.sort_out([job(2, lost=1), job(3, lost=1)])[0]] == [2]


async def test_what_waits_behind_jobs_that_take_long_is_given_up(line: Line):
    line.put([job(n) for n in range(10)])
    for _ in range(line.slots):
        await line.take()
    line.ended(job(0), 0.001)
    await line.take()
    assert line.take_back_stranded() == [], "one has ended since"
    assert [given_up.id for given_up in line.take_back_stranded()] == [5, 6, 7, 8, 9]
    assert line.wanted() == 0


async def test_what_waits_behind_jobs_that_end_is_kept(line: Line):
    line.put([job(n) for n in range(10)])
    for _ in range(line.slots):
        await line.take()
    for n in range(3):
        line.ended(job(n), 0.5)
        await line.take()
        assert line.take_back_stranded() == []


def test_a_line_that_is_held_back_wants_nothing(line: Line):
    line.hold_back(held_back=True)
    assert line.wanted() == 0, "what is claimed and can not begin would lose an attempt with this worker"
    line.hold_back(held_back=False)
    assert line.wanted() == 4


def test_lines_of_one_process_share_its_suspects():
    suspects = Suspects()
    one, other = Line("one", 4, suspects), Line("other", 4, suspects)
    kept, sent_away = one.sort_out([job(1, lost=2)])
    assert ([each.id for each in kept], sent_away) == ([1], [])
    kept, sent_away = other.sort_out([job(2, lost=1)])
    assert (kept, [each.id for each, _ in sent_away]) == ([], [2]), "the first one may kill the process of both"
