"""What the tally files of many processes tell together."""

from functools import reduce
from operator import or_
from pathlib import Path

from dibs.bench.stage.tally import START_BYTES


def read(folder: Path, jobs: int) -> tuple[int, int]:
    """How many numbers were executed, and how many executions there were beyond the first of a number."""
    counts = [_counts(file, jobs) for file in folder.iterdir()]
    # As one long number each, ten million counts are combined in milliseconds.
    merged = reduce(or_, map(int.from_bytes, counts), 0).to_bytes(jobs)
    distinct = jobs - merged.count(0)
    return distinct, sum(map(sum, counts)) - distinct


def _counts(file: Path, jobs: int) -> bytes:
    """The second part of the file: one byte for each number."""
    with file.open("rb") as opened:
        opened.seek(jobs * START_BYTES)
        return opened.read()
