"""Whether a run counts: nothing may be lost, and each job runs as often as it has to, no less and no more."""

from dibs.bench.executions import Executions
from dibs.bench.result import Counts
from dibs.bench.stage.tally import is_to_fail


def count(executions: Executions, *, fail_every: int, finished: int | None) -> Counts:
    """What became of the jobs, of which one in *fail_every* had to fail once and be executed twice; 0: none.

    Each job is held against its own due, so that one that ran too often does not hide one that was not retried.
    """
    repeated = unretried = 0
    for number, times in enumerate(executions.counts):
        due = 2 if fail_every and is_to_fail(number, fail_every) else 1
        if times > due:
            repeated += times - due
        elif 0 < times < due:
            unretried += 1
    return Counts(
        jobs=executions.jobs,
        distinct=executions.distinct,
        repeated=repeated,
        unretried=unretried,
        finished=finished,
    )


def wrong(counts: Counts) -> str | None:
    """What does not add up, as a sentence; nothing when all is well."""
    if counts.lost:
        return f"{counts.lost:,} of {counts.jobs:,} jobs were not executed in time"
    if counts.unretried:
        return f"{counts.unretried:,} jobs failed, as they should, and were not retried"
    if counts.repeated:
        return f"{counts.repeated:,} executions too many"
    if counts.finished is not None and counts.finished != counts.jobs:
        return f"all {counts.jobs:,} jobs were executed, and the system says that {counts.finished:,} have finished"
    return None
