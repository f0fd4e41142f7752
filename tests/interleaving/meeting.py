"""A stage, and all that may come of it."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from interleaving.explorer import Found, Stage


@dataclass(frozen=True)
class Meeting:
    """What schedules of a stage show, all together: nothing else, and nothing less."""

    stage: Stage
    endings: AbstractSet[str]
    """What each actor says, and where the jobs stand after one tidying up."""
    waits: AbstractSet[str]
    """Who waits for whom in some schedule; in none does anybody else."""
    may_roll_back: frozenset[str]

    def complaints(self, found: Found, *, is_sample: bool = False) -> list[str]:
        """What is not as it is meant to be; a sample need not show everything."""
        unexpected = [
            f"unexpected: {ending}\n  after {found.endings[ending]}" for ending in found.endings.keys() - self.endings
        ]
        waits = [f"unexpected: {wait}" for wait in found.waits - self.waits]
        missing = [] if is_sample else [*(self.endings - found.endings.keys()), *(self.waits - found.waits)]
        return [*found.faults, *unexpected, *waits, *(f"never seen: {one}" for one in missing)]


def meeting(
    *, endings: AbstractSet[str], waits: AbstractSet[str] = frozenset(), may_roll_back: AbstractSet[str] = frozenset()
) -> Callable[[Stage], Meeting]:
    """Make a meeting of a stage; transactions of actors that may roll back end in both ways."""
    return lambda stage: Meeting(stage, endings, waits, frozenset(may_roll_back))
