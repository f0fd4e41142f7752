"""Whether a run counts: nothing may be lost, and nothing may run more often than it has to."""

from dibs.bench.executions import Executions
from dibs.bench.result import Counts


def count(executions: Executions, *, failures: int, finished: int | None) -> Counts:
    """What became of the jobs, of which so many had to fail once and be executed twice."""
    repeated = executions.total - executions.distinct - failures
    return Counts(
        jobs=executions.jobs,
        distinct=executions.distinct,
        repeated=max(repeated, 0),
        finished=finished,
        stale_endings=0 if repeated <= 0 else None,
    )


def wrong(counts: Counts) -> str | None:
    """What does not add up, as a sentence; nothing when all is well."""
    if counts.lost:
        return f"{counts.lost:,} of {counts.jobs:,} jobs were not executed in time"
    if counts.repeated:
        return f"{counts.repeated:,} executions too many"
    if counts.finished is not None and counts.finished != counts.jobs:
        return f"all {counts.jobs:,} jobs were executed, and the system says that {counts.finished:,} have finished"
    return None
