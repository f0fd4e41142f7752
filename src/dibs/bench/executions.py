"""What was executed, read from the files of a tally."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add, or_
from pathlib import Path

from dibs.bench.stage.tally import COUNT_MAX, SENT, START_BYTES


@dataclass(frozen=True)
class Executions:
    """All executions of the jobs, by their numbers."""

    counts: bytes
    """By number, how often the job was executed."""
    starts: "array[int]"
    """By number, when the job first started, in nanoseconds of the monotonic clock; 0: never."""

    @property
    def jobs(self) -> int:
        """Numbers that are counted."""
        return len(self.counts)

    @cached_property
    def distinct(self) -> int:
        """Jobs that were executed."""
        return self.jobs - self.counts.count(0)

    @cached_property
    def total(self) -> int:
        """Executions of all jobs together."""
        return _sum(self.counts)

    @property
    def lost(self) -> int:
        """Jobs that never started."""
        return self.jobs - self.distinct

    @cached_property
    def first_ns(self) -> int:
        """When the first job started; 0: none has."""
        return min((start for start in self.starts if start), default=0)

    @cached_property
    def last_ns(self) -> int:
        """When the last job first started; 0: none has."""
        return max(self.starts, default=0)


def count(folder: Path, jobs: int, numbers: range | None = None) -> tuple[int, int]:
    """How many jobs have started, and how many executions there were in all; of *numbers*, or of all.

    Made for looking again and again: a few nanoseconds for each number.
    """
    wanted = range(jobs) if numbers is None else numbers
    files = list(_counts(folder, jobs, wanted))
    if len(files) == 1:
        unstarted = files[0].count(0)
    else:
        # As one long number each, files are put together in milliseconds, however many jobs they count.
        merged = reduce(or_, (int.from_bytes(counts) for counts in files), 0)
        unstarted = merged.to_bytes(len(wanted)).count(0)
    return len(wanted) - unstarted, sum(map(_sum, files))


def counts(folder: Path, jobs: int, numbers: range | None = None) -> bytes:
    """By number, how often each of *numbers*, or of all, was executed."""
    wanted = range(jobs) if numbers is None else numbers
    merged = bytes(len(wanted))
    for nth, here in enumerate(_counts(folder, jobs, wanted)):
        merged = bytes(min(both, COUNT_MAX) for both in map(add, merged, here)) if nth else here
    return merged


def read(folder: Path, jobs: int) -> Executions:
    """All there is to know."""
    starts = array("q", bytes(START_BYTES * jobs))
    for file in _files(folder):
        here = array("q", file.read_bytes()[: START_BYTES * jobs])
        if starts.count(0) == jobs:
            starts = here
        else:
            pairs = zip(starts, here, strict=True)
            starts = array("q", (min(one, other) if one and other else one or other for one, other in pairs))
    return Executions(counts(folder, jobs), starts)


def sent(folder: Path) -> "array[int]":
    """By number, when the job was to be sent; 0: at no given time."""
    return array("q", (folder / SENT).read_bytes())


def _files(folder: Path) -> Iterator[Path]:
    """Those in which processes counted; others in the folder are not named by number."""
    return (file for file in folder.iterdir() if file.name.isdecimal())


def _counts(folder: Path, jobs: int, numbers: range) -> Iterator[bytes]:
    for file in _files(folder):
        with file.open("rb") as opened:
            opened.seek(START_BYTES * jobs + numbers.start)
            found = opened.read(len(numbers))
        if len(found) == len(numbers):  # else it is being made at this moment
            yield found


def _sum(found: bytes) -> int:
    """What they add up to. Most are 0 or 1, which are counted without being looked at one by one."""
    more = found.translate(None, b"\0\1")
    return found.count(1) + sum(more)
