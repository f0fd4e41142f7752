"""When a failed attempt is tried again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dibs.domain.errors import ConfigError
from dibs.domain.limits import ATTEMPTS_MAX, DELAY_SECONDS_MAX


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a task is tried, and how long to wait before each retry.

    Either a list of delays, or exponential backoff:

    >>> Retry(delays=[5, 15, 60]).attempts        # one try and three retries
    4
    >>> Retry(attempts=5, backoff=2, maximum=60)  # 2 s, 4 s, 8 s, 16 s
    Retry(attempts=5, delays=(), backoff=2.0, maximum=60.0, jitter=0.1)

    Args:
        attempts: How often the task is tried in all, the first try included. Default: one more than there are
            *delays*; without delays 3. With more attempts than delays, the last delay repeats.
        delays: Seconds before each retry, to which only jitter is added.
        backoff: Seconds before the first retry; doubled for each further one. Used when there are no *delays*.
        maximum: Upper bound of a backoff in seconds, before jitter.
        jitter: Share of each delay that is added at random at most, so that jobs that failed together do not return
            together. 0: none.

    Raises:
        ConfigError: A number out of its range.
    """

    attempts: int
    delays: tuple[float, ...]
    backoff: float
    maximum: float
    jitter: float

    def __init__(
        self,
        *,
        attempts: int | None = None,
        delays: Sequence[float | timedelta] = (),
        backoff: float | timedelta = 5.0,
        maximum: float | timedelta = 3600.0,
        jitter: float = 0.1,
    ) -> None:
        in_seconds = tuple(seconds(delay) for delay in delays)
        wanted: Any = attempts if attempts is not None else (len(in_seconds) + 1 if in_seconds else 3)
        if not isinstance(wanted, int) or not 1 <= wanted <= ATTEMPTS_MAX:
            raise ConfigError(f"Retry: attempts must be a whole number from 1 to {ATTEMPTS_MAX}, got {wanted!r}")
        if len(in_seconds) > ATTEMPTS_MAX:
            raise ConfigError(f"Retry: at most {ATTEMPTS_MAX} delays, got {len(in_seconds)}")
        if not all(0 <= d <= DELAY_SECONDS_MAX for d in (*in_seconds, seconds(backoff), seconds(maximum))):
            raise ConfigError(
                f"Retry: delays must be zero to {DELAY_SECONDS_MAX:.0f} seconds, "
                f"got {delays!r}, {backoff!r}, {maximum!r}"
            )
        if not 0 <= jitter <= 1:
            raise ConfigError(f"Retry: jitter is a share from 0 to 1, got {jitter}")
        object.__setattr__(self, "attempts", wanted)
        object.__setattr__(self, "delays", in_seconds)
        object.__setattr__(self, "backoff", seconds(backoff))
        object.__setattr__(self, "maximum", seconds(maximum))
        object.__setattr__(self, "jitter", float(jitter))

    def delay(self, attempt: int, random: Callable[[], float]) -> float:
        """Seconds to wait after the failed *attempt* (the first is 1); *random* gives numbers in [0, 1)."""
        if self.delays:
            base = self.delays[min(attempt, len(self.delays)) - 1]
        else:
            base = min(self.backoff * 2.0 ** min(attempt - 1, 60), self.maximum)
        return base * (1 + self.jitter * random())


def seconds(duration: float | timedelta) -> float:
    """*duration* in seconds."""
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
