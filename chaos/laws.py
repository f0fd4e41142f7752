"""What must hold in every history, whatever was broken. Each law gives those that break it: none, if all is well."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from chaos.history import History
from chaos.notes import Found
from chaos.tasks import TRANSACTIONAL

CLOCK_SECONDS: Final = 0.001
"""Two times of one clock, of which one was rounded."""

Law = Callable[[History], Collection[int]]


def lost(history: History) -> list[int]:
    """Acknowledged jobs that the tables do not know."""
    return [job for call in history.calls for job in call.ids if job not in history.found]


def not_ended(history: History) -> list[int]:
    """Jobs that are still waiting or leased after everything has come to rest."""
    return [found.job for found in history.found.values() if found.outcome is None]


def not_in_one_place(history: History) -> list[int]:
    """Jobs that stand in several tables, or in none: one ending, and nothing beside it."""
    return [found.job for found in history.found.values() if len(found.places) != 1]


def not_asked_for(history: History) -> list[int]:
    """Jobs that no call asked for, that a failed call asked for, or that are there twice."""
    asked = {number for call in history.calls if call.answer != "failed" for number in call.numbers}
    times = Counter(found.number for found in history.found.values())
    return [found.job for found in history.found.values() if found.number not in asked or times[found.number] > 1]


def torn(history: History) -> list[int]:
    """Jobs of unanswered calls that were written in part: a call's jobs are there all together or not at all."""
    written = {found.number: found.job for found in history.found.values()}
    parts: list[int] = []
    for call in history.calls:
        there = [written[number] for number in call.numbers if number in written]
        if len(there) not in {0, len(call.numbers)}:
            parts += there
    return parts


def not_settled_once(history: History) -> list[int]:
    """Transactional jobs whose row is not there exactly once if they succeeded, or is there although they did not."""
    wanted = {found.job: int(found.outcome == "s") for found in history.found.values() if found.task in TRANSACTIONAL}
    jobs = wanted.keys() | history.settled.keys()
    return [job for job in jobs if len(history.settled.get(job, ())) != wanted.get(job, 0)]


def without_effect(history: History) -> list[int]:
    """Jobs that succeeded and have left no effect."""
    return [found.job for found in _succeeded(history) if not history.effects.get(found.job)]


def not_earned(history: History) -> list[int]:
    """Jobs that succeeded by an attempt that had not come to its end: somebody ended what was not theirs to end."""
    unearned = [
        found.job
        for found in _succeeded(history)
        if not any(
            end.how == "returned"
            and end.attempt == found.attempt
            and end.at <= (found.finished_at or 0) + CLOCK_SECONDS
            for end in history.ended.get(found.job, ())
        )
    ]
    settled = {job: rows[-1].attempt for job, rows in history.settled.items()}
    return unearned + [
        job for job, attempt in settled.items() if job in history.found and history.found[job].attempt != attempt
    ]


def revived(history: History) -> list[int]:
    """Jobs that were claimed again after the attempt that ended them."""
    ended = {found.job: found.attempt for found in history.found.values() if found.attempt is not None}
    return [job for job, last in ended.items() if any(begin.attempt > last for begin in history.began.get(job, ()))]


def miscounted(history: History) -> list[int]:
    """Batches that do not count how their jobs ended."""
    truth: dict[int, Counter[str]] = {told.batch: Counter() for told in history.counted}
    for found in history.found.values():
        if found.batch is not None:
            truth.setdefault(found.batch, Counter()).update([found.outcome or "", "all"])
    told_of = {
        told.batch: Counter(s=told.succeeded, f=told.failed, c=told.cancelled, all=told.total)
        for told in history.counted
    }
    return [batch for batch, counts in truth.items() if told_of.get(batch, Counter()) != counts]


def fallen(history: History) -> list[int]:
    """Workers, by process id, that ended of their own accord or did not stop when they were told to."""
    return [left.pid for left in history.left]


LAWS: Final[Mapping[str, Law]] = {
    "acknowledged jobs lost": lost,
    "jobs not ended after the drain": not_ended,
    "jobs not in exactly one place": not_in_one_place,
    "jobs nobody asked for": not_asked_for,
    "calls written in part": torn,
    "transactional effects not exactly once": not_settled_once,
    "successes without their effect": without_effect,
    "endings by somebody who did not hold the job": not_earned,
    "jobs claimed again after their ending": revived,
    "batches miscounted": miscounted,
    "workers that fell": fallen,
}


def _succeeded(history: History) -> Iterator[Found]:
    """Of the jobs that succeeded, those whose effect is outside of the database."""
    return (found for found in history.found.values() if found.outcome == "s" and found.task not in TRANSACTIONAL)
