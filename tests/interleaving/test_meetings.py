"""Whoever meets, in whatever order: the laws hold, nobody waits who should not, and what comes of it was foreseen.

Of two actors all schedules are tried, of three a sample.
"""

import pytest

from interleaving.explorer import Explorer
from interleaving.meeting import Meeting
from interleaving.meetings import batches, claiming, rescuing, steering, three

SAMPLE = 15


def named(*modules: object) -> dict[str, Meeting]:
    """The meetings in these modules."""
    return {name: one for module in modules for name, one in vars(module).items() if isinstance(one, Meeting)}


PAIRS = named(claiming, rescuing, steering, batches)
THREES = named(three)


@pytest.mark.parametrize("meeting", PAIRS.values(), ids=PAIRS)
async def test_two_meet(explorer: Explorer, meeting: Meeting) -> None:
    found = await explorer.every_schedule(meeting.stage, meeting.may_roll_back)
    assert not (complaints := meeting.complaints(found)), "\n".join(complaints)


@pytest.mark.parametrize("meeting", THREES.values(), ids=THREES)
async def test_three_meet(explorer: Explorer, meeting: Meeting) -> None:
    found = await explorer.sample(meeting.stage, SAMPLE, seed=1)
    assert not (complaints := meeting.complaints(found, is_sample=True)), "\n".join(complaints)
