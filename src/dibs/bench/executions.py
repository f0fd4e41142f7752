"""What was executed, read from the files of a tally."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from pathlib import Path

from dibs.bench.stage.tally import SENT, START_BYTES


@dataclass(frozen=True)
class Executions:
    """All executions of the jobs with numbers below *jobs*."""

    jobs: int
    distinct: int
    total: int
    starts: "array[int]"
    """By number, when the job first started, in nanoseconds of the monotonic clock; 0: never."""

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


def count(folder: Path, jobs: int) -> tuple[int, int]:
    """How many jobs have started, and how many executions there were in all. Fast: for looking again and again."""
    files = list(_counts(folder, jobs))
    if len(files) == 1:
        distinct = jobs - files[0].count(0)
    else:
        # As one long number each, files are put together in milliseconds, however many jobs they count.
        merged = reduce(or_, (int.from_bytes(counts) for counts in files), 0)
        distinct = jobs - merged.to_bytes(jobs).count(0)
    return distinct, sum(map(sum, files))


def read(folder: Path, jobs: int) -> Executions:
    """All there is to know."""
    distinct, total = count(folder, jobs)
    starts = array("q", bytes(START_BYTES * jobs))
    for file in _files(folder):
        here = array("q", file.read_bytes()[: START_BYTES * jobs])
        if distinct_of(starts) == 0:
            starts = here
        else:
            pairs = zip(starts, here, strict=True)
            starts = array("q", (min(one, other) if one and other else one or other for one, other in pairs))
    return Executions(jobs, distinct, total, starts)


def sent(folder: Path) -> "array[int]":
    """By number, when the job was to be sent; 0: at no given time."""
    return array("q", (folder / SENT).read_bytes())


def distinct_of(starts: "array[int]") -> int:
    """How many of them ever started."""
    return len(starts) - starts.count(0)


def _files(folder: Path) -> Iterator[Path]:
    """One for each process that ran a job; others in the folder are not named by number."""
    return (file for file in folder.iterdir() if file.name.isdecimal())


def _counts(folder: Path, jobs: int) -> Iterator[bytes]:
    for file in _files(folder):
        with file.open("rb") as opened:
            opened.seek(START_BYTES * jobs)
            counts = opened.read(jobs)
        if len(counts) == jobs:  # else it is being made at this moment
            yield counts
