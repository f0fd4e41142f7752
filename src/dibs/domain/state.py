"""Where a job can stand, and where it can go from there."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands. It is not stored: it is told by which table holds the job's id."""

    SCHEDULED = "scheduled"
    """Its time has not come: a delay, a retry or a snooze. Table `scheduled`."""
    READY = "ready"
    """In line, to be claimed. Table `ready`."""
    RUNNING = "running"
    """A worker holds its lease. Table `lease`."""
    SUCCEEDED = "succeeded"
    """Ended: the task returned. Table `done`."""
    FAILED = "failed"
    """Ended without success, a dead letter: no attempts left, or an error that no retry can mend. Table `done`."""
    CANCELLED = "cancelled"
    """Ended because somebody asked for it. Table `done`."""

    @property
    def is_final(self) -> bool:
        """True when the job has ended; only an operator's retry brings it back."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.SCHEDULED: frozenset({JobState.READY, JobState.CANCELLED}),
    JobState.READY: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(JobState) - {JobState.RUNNING},
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset({JobState.READY}),
    JobState.CANCELLED: frozenset({JobState.READY}),
}
"""From each state, the states a single statement can lead to."""
