"""Who strikes when: decided beforehand, by the seed alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PAUSE_SECONDS: Final = 2.5
"""Between two strikes of a long run, on average. Most last longer than that, so they overlap."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One strike of a nemesis."""

    at_seconds: float
    """After the beginning of the run."""
    name: str
    seed: int
    """For what it leaves to chance."""


def schedule(seed: int, seconds: float, names: Sequence[str]) -> list[Strike]:
    """The strikes of a run, earliest first: each nemesis once in every round, each round in another order."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    count = max(len(names), int(seconds / PAUSE_SECONDS)) if names else 0
    pause = seconds / max(count, 1)
    order: list[str] = []
    while len(order) < count:
        order += chance.sample(names, len(names))
    return [
        Strike((nth + chance.uniform(0.2, 1.0)) * pause, name, chance.getrandbits(32))
        for nth, name in enumerate(order[:count])
    ]
