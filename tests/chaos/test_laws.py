"""Each law of the chaos runs is broken by the history that it is there for, and by no other."""

from collections.abc import Callable

import msgspec
import pytest

from chaos.history import gather
from chaos.laws import LAWS
from chaos.notes import Began, Called, Counted, Effect, Ended, Found, Left, Note, Settled, Struck
from chaos.verdict import judge

Spoil = Callable[[list[Note]], list[Note]]

COUNT, SETTLE, FALL = "chaos.tasks.count", "chaos.tasks.settle", "chaos.tasks.fall"

KILLED_PID = 100
SURVIVOR_PID = 200


def well() -> list[Note]:
    """Three acknowledged jobs in a batch and one of an unanswered call; a kill, after which the first ran again."""
    return [
        Called(at=1.0, answer="ok", numbers=(10, 11, 12), ids=(1, 2, 3), batch=7),
        Called(at=1.1, answer="unknown", numbers=(13,), error="ConnectionDoesNotExistError"),
        Called(at=1.2, answer="failed", numbers=(14,), error="DatabaseUnavailableError"),
        Began(at=2.0, job=1, token=50, attempt=1, pid=KILLED_PID),
        Struck(at=2.5, until=2.6, name="kill", pids=(KILLED_PID,)),
        Began(at=5.0, job=1, token=60, attempt=2, pid=SURVIVOR_PID),
        Effect(at=5.1, job=1, token=60),
        Ended(at=5.2, job=1, token=60, attempt=2, how="returned"),
        Began(at=2.0, job=2, token=51, attempt=1, pid=SURVIVOR_PID),
        Ended(at=2.2, job=2, token=51, attempt=1, how="returned"),
        Began(at=2.0, job=3, token=52, attempt=1, pid=SURVIVOR_PID),
        Ended(at=2.1, job=3, token=52, attempt=1, how="raised"),
        Began(at=2.0, job=4, token=53, attempt=1, pid=SURVIVOR_PID),
        Effect(at=2.1, job=4, token=53),
        Ended(at=2.2, job=4, token=53, attempt=1, how="returned"),
        Found(job=1, number=10, task=COUNT, batch=7, places=("done",), outcome="s", attempt=2, finished_at=5.3),
        Found(job=2, number=11, task=SETTLE, batch=7, places=("done",), outcome="s", attempt=1, finished_at=2.1),
        Found(job=3, number=12, task=FALL, batch=7, places=("done",), outcome="f", attempt=1, finished_at=2.2),
        Found(job=4, number=13, task=COUNT, places=("done",), outcome="s", attempt=1, finished_at=2.3),
        Settled(job=2, token=51, attempt=1),
        Counted(batch=7, total=3, succeeded=2, failed=1, cancelled=0),
    ]


def without(kind: type[Note], job: int) -> Spoil:
    return lambda notes: [note for note in notes if not (isinstance(note, kind) and note.job == job)]


def changed(kind: type[Note], job: int, **values: object) -> Spoil:
    def spoil(notes: list[Note]) -> list[Note]:
        return [
            msgspec.structs.replace(note, **values) if isinstance(note, kind) and note.job == job else note
            for note in notes
        ]

    return spoil


def added(*more: Note) -> Spoil:
    return lambda notes: [*notes, *more]


COUNTED_WRONG = Counted(batch=7, total=3, succeeded=3, failed=1, cancelled=0)
UNFINISHED = {"outcome": None, "attempt": None, "finished_at": None}

SPOILT: dict[str, tuple[str, Spoil]] = {
    "an acknowledged job is nowhere": (
        "acknowledged jobs lost",
        added(Called(at=1.0, answer="ok", numbers=(9,), ids=(5,))),
    ),
    "a job still has its lease": ("jobs not ended after the drain", changed(Found, 4, places=("lease",), **UNFINISHED)),
    "a job ended and is in line": ("jobs not in exactly one place", changed(Found, 4, places=("done", "ready"))),
    "a job is in no table": ("jobs not in exactly one place", changed(Found, 4, places=())),
    "a failed call wrote its job": (
        "jobs nobody asked for",
        added(
            Found(job=5, number=14, task=COUNT, places=("done",), outcome="f", attempt=1, finished_at=2.0),
        ),
    ),
    "a job was written twice": (
        "jobs nobody asked for",
        added(Found(job=5, number=13, task=COUNT, places=("done",), outcome="f", attempt=1, finished_at=2.0)),
    ),
    "half a call was written": (
        "calls written in part",
        lambda notes: [
            msgspec.structs.replace(note, numbers=(13, 15)) if getattr(note, "answer", "") == "unknown" else note
            for note in notes
        ],
    ),
    "a transaction committed twice": (
        "transactional effects not exactly once",
        added(Settled(job=2, token=51, attempt=1)),
    ),
    "a success has no row": ("transactional effects not exactly once", without(Settled, 2)),
    "a failed job left its row": ("transactional effects not exactly once", changed(Found, 2, outcome="f")),
    "a success did nothing": ("successes without their effect", without(Effect, 4)),
    "a success was recorded while the job ran": (
        "endings by somebody who did not hold the job",
        changed(Found, 4, finished_at=2.15),
    ),
    "a success belongs to another attempt": (
        "endings by somebody who did not hold the job",
        changed(Settled, 2, attempt=0),
    ),
    "a success was reported of a failure": (
        "endings by somebody who did not hold the job",
        changed(Ended, 4, how="raised"),
    ),
    "a job was claimed after its ending": (
        "jobs claimed again after their ending",
        added(Began(at=9.0, job=2, token=90, attempt=2, pid=SURVIVOR_PID)),
    ),
    "a batch counts one too many": (
        "batches miscounted",
        lambda notes: [COUNTED_WRONG if isinstance(note, Counted) else note for note in notes],
    ),
    "a batch has lost its counts": (
        "batches miscounted",
        lambda notes: [note for note in notes if not isinstance(note, Counted)],
    ),
    "a worker fell": ("workers that fell", added(Left(at=3.0, pid=KILLED_PID, code=1))),
}


def test_a_history_in_which_all_is_well_breaks_no_law():
    verdict = judge(gather(well()))
    assert verdict.breaches == {}
    assert verdict.has_passed


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_history_breaks_the_law_it_is_spoilt_for(what: str):
    law, spoil = SPOILT[what]
    verdict = judge(gather(spoil(well())))
    assert law in verdict.breaches
    assert not verdict.has_passed


def test_every_law_can_be_broken():
    assert {law for law, _ in SPOILT.values()} == LAWS.keys()


def test_a_history_of_nothing_does_not_pass():
    assert not judge(gather([])).has_passed


def test_the_rescue_of_a_killed_workers_job_is_timed_from_the_kill_to_its_next_start():
    told = judge(gather(well())).figures
    assert (told["rescued from killed workers"], told["rescue seconds max"]) == (1, 2.5)


def test_a_job_that_had_ended_before_the_kill_was_not_rescued():
    notes = [*well(), Ended(at=2.4, job=1, token=50, attempt=1, how="raised")]
    assert judge(gather(notes)).figures["rescued from killed workers"] == 0


def test_repeated_executions_and_answers_are_counted():
    told = judge(gather(well())).figures
    assert told["executions"] == 5
    assert told["executions repeated"] == 1
    assert told["executions that were cut short"] == 1
    assert told["jobs acknowledged"] == 3
    assert told["calls with unknown outcome"] == 1
    assert told["jobs of those calls that were written"] == 1
