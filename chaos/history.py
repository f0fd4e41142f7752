"""A history, sorted by what its notes tell."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from chaos.notes import Began, Called, Counted, Effect, Ended, Found, Left, Note, Refused, Settled, Struck

T = TypeVar("T", Began, Ended, Settled)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that was noted in a run."""

    calls: list[Called]
    began: dict[int, list[Began]]
    """By job."""
    ended: dict[int, list[Ended]]
    effects: dict[int, int]
    """By job, how often its task left its effect outside of the database."""
    settled: dict[int, list[Settled]]
    found: dict[int, Found]
    counted: list[Counted]
    strikes: list[Struck]
    left: list[Left]
    refused: list[Refused]


def gather(notes: Iterable[Note]) -> History:
    """The history that *notes* tell, in whichever order they come."""
    kinds: defaultdict[type[Any], list[Any]] = defaultdict(list)
    for note in notes:
        kinds[type(note)].append(note)
    return History(
        calls=kinds[Called],
        began=_by_job(kinds[Began]),
        ended=_by_job(kinds[Ended]),
        effects=Counter(note.job for note in kinds[Effect]),
        settled=_by_job(kinds[Settled]),
        found={note.job: note for note in kinds[Found]},
        counted=kinds[Counted],
        strikes=kinds[Struck],
        left=kinds[Left],
        refused=kinds[Refused],
    )


def _by_job(notes: Iterable[T]) -> dict[int, list[T]]:
    jobs: defaultdict[int, list[T]] = defaultdict(list)
    for note in notes:
        jobs[note.job].append(note)
    return dict(jobs)
