"""How long finished jobs are kept."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from dibs.domain.errors import ConfigError
from dibs.domain.limits import RETENTION_SECONDS_MAX, RETENTION_SECONDS_MIN
from dibs.domain.retry import seconds

FINISHED_KEPT: Final = timedelta(days=7)
"""Long enough to look on Monday at what ran over a long weekend."""

DEAD_LETTERS_KEPT: Final = timedelta(days=30)
"""Longer than a holiday: a dead letter waits for somebody to decide about it."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long finished jobs are kept before they are pruned. None: for ever.

    >>> Retention(finished=timedelta(days=2))
    Retention(finished=172800.0, dead_letters=2592000.0)

    Args:
        finished: Jobs that succeeded or were cancelled, in seconds (or a timedelta), counted from their end. Default:
            7 days.
        dead_letters: Jobs that failed. Default: 30 days.

    Raises:
        ConfigError: Less than a minute, or more than a hundred years.
    """

    finished: float | None
    dead_letters: float | None

    def __init__(
        self,
        *,
        finished: float | timedelta | None = FINISHED_KEPT,
        dead_letters: float | timedelta | None = DEAD_LETTERS_KEPT,
    ) -> None:
        object.__setattr__(self, "finished", _kept("finished", finished))
        object.__setattr__(self, "dead_letters", _kept("dead_letters", dead_letters))


def _kept(name: str, duration: float | timedelta | None) -> float | None:
    if duration is None:
        return None
    kept = seconds(duration)
    if not RETENTION_SECONDS_MIN <= kept <= RETENTION_SECONDS_MAX:
        raise ConfigError(
            f"Retention: {name} is from {RETENTION_SECONDS_MIN:.0f} to {RETENTION_SECONDS_MAX:.0f} seconds, or None to "
            f"keep for ever; got {duration!r}"
        )
    return kept
