"""Work that is done again and again, and must not take more than a share of the time."""

from time import monotonic
from typing import Final

HEAD_SHARE: Final = 0.05
"""For reading a line or a schedule from its head: while an old snapshot keeps vacuum away, that wades through all rows
that were taken since, and would slow down everything else."""

PAUSE_SECONDS_MAX: Final = 10.0
"""However long the work took: a slow moment of the server tells nothing about the next time."""


class Budget:
    """When the work is due again: the longer it took, the later."""

    def __init__(self, share: float = HEAD_SHARE, *, pause_seconds_max: float = PAUSE_SECONDS_MAX) -> None:
        self._share = share
        self._pause_seconds_max = pause_seconds_max
        self.due_at = 0.0
        """By the monotonic clock."""

    @property
    def is_due(self) -> bool:
        """True when it may be done again."""
        return monotonic() >= self.due_at

    def spend(self, seconds: float) -> None:
        """The work took so long; waiting for a connection does not count."""
        self.due_at = monotonic() + min(seconds / self._share, self._pause_seconds_max)
