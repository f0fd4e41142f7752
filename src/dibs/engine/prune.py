"""Remove jobs that ended long ago: one prunes at a time, piece by piece."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final

from dibs.domain.retention import Retention
from dibs.storage import statements
from dibs.storage.session import Operation

PRUNE_ROWS: Final = 500
"""Endings looked at in one statement: a few milliseconds' work."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What ended before these moments may go. None: nothing may."""

    finished: datetime | None
    dead_letters: datetime | None

    def before(self, *, dead_letters: bool) -> datetime | None:
        """The moment for dead letters, or for all others."""
        return self.dead_letters if dead_letters else self.finished

    @property
    def walks(self) -> "tuple[Walk, ...]":
        """The ways to go, from the first job on."""
        wanted = (Walk(dead, before) for dead, before in ((False, self.finished), (True, self.dead_letters)) if before)
        return tuple(wanted)


@dataclass(frozen=True, slots=True)
class Walk:
    """Along endings in the order of job ids: past dead letters, or past those alone."""

    dead_letters: bool
    before: datetime
    behind_id: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """What one statement did."""

    has_turn: bool
    """False when somebody else has taken the turn, or holds the lock at this moment; then nothing was done."""
    looked: int
    pruned: int
    batches: int
    last_id: int | None
    """The last job that was looked at: the next piece begins behind it."""
    first_pruned_id: int | None
    is_last: bool
    """Nothing behind it can have ended before the walk's moment."""


def take_turn(
    holder: int, seconds: float, wish: Retention | None = None, *, before_workers: bool = False
) -> Operation[bool]:
    """Take the turn to prune for so long, unless somebody else has it, and tell how long jobs are to be kept.

    Holders are workers by their ids; people have numbers below zero, and may take the turn *before_workers*.
    """
    kept = (None, None) if wish is None else (_or_inf(wish.finished), _or_inf(wish.dead_letters))
    found = yield statements.JOBS_PRUNE_TURN(holder, seconds, *kept, before_workers)
    return bool(found[0][0])


def cutoffs(older_than: timedelta | None = None) -> Operation[Cutoffs]:
    """What may be pruned now: by what apps have asked for, or everything that is *older_than* this."""
    default = Retention()
    found = yield statements.JOBS_PRUNE_UNTIL(_or_inf(default.finished), _or_inf(default.dead_letters))
    finished, dead_letters, now = found[0]
    if older_than is not None:
        finished = dead_letters = now - older_than
    return Cutoffs(finished, dead_letters)


def prunable(until: Cutoffs) -> Operation[tuple[int, int]]:
    """How many finished jobs and dead letters would go; reads all endings."""
    found = yield statements.JOBS_PRUNE_COUNT(until.finished, until.dead_letters)
    return int(found[0][0]), int(found[0][1])


def prune(holder: int, walk: Walk, keep_turn_seconds: float) -> Operation[Piece]:
    """Take one piece of *walk*, if *holder* has the turn, and keep the turn for so long."""
    found = yield statements.JOBS_PRUNE(
        holder, walk.dead_letters, walk.behind_id, PRUNE_ROWS, walk.before, keep_turn_seconds
    )
    return Piece(*found[0])


def _or_inf(kept: float | None) -> float:
    return inf if kept is None else kept
