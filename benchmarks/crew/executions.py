"""Count executions in files that outlive the processes: one byte for each job's number, one file for each process."""

import mmap
import os
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Final

FOLDER: Final = "DIBS_EXECUTIONS_FOLDER"
JOBS: Final = "DIBS_EXECUTIONS_JOBS"
"""The environment variables that tell a worker where to count, and how far numbers go."""


def executed(number: int) -> None:
    """This process has begun to run the job with this number. It counts at once, whatever becomes of the process."""
    counts = _counts()
    counts[number] = min(counts[number] + 1, 255)


def read(folder: Path, jobs: int) -> tuple[int, int]:
    """How many numbers were executed, and how many executions there were beyond the first of a number."""
    files = [file.read_bytes() for file in folder.iterdir()]
    executions = sum(map(sum, files))
    # As one long number each, ten million counts are combined in milliseconds.
    merged = reduce(or_, (int.from_bytes(counts) for counts in files), 0).to_bytes(jobs)
    distinct = jobs - merged.count(0)
    return distinct, executions - distinct


@cache
def _counts() -> mmap.mmap:
    with (Path(os.environ[FOLDER]) / str(os.getpid())).open("wb+") as file:
        file.truncate(int(os.environ[JOBS]))
        return mmap.mmap(file.fileno(), 0)
