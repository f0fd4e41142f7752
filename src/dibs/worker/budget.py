"""Work that is done again and again, and must not take more than a share of the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

HEAD_SHARE: Final = 0.05
"""For reading a line or a schedule from its head: while an old snapshot keeps vacuum away, that wades through all rows
that were taken since, and would slow down everything else."""


class Budget:
    """When the work is due again: the longer it took, the later."""

    def __init__(self, share: float = HEAD_SHARE) -> None:
        self._share = share
        self.due_at = 0.0
        """By the monotonic clock."""

    @property
    def is_due(self) -> bool:
        """True when it may be done again."""
        return monotonic() >= self.due_at

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Around the work."""
        began = monotonic()
        yield
        now = monotonic()
        self.due_at = now + (now - began) / self._share
