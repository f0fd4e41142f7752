"""What a bad day is measured with, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.servers import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a bad day is measured, and at which size."""

    server: Server
    scale: float
    """1 is the size that is reported; a smoke run takes a thousandth."""

    def size(self, full: int) -> int:
        """*full*, at the scale of this run; a whole hundred at least."""
        return max(1, round(full * self.scale / 100)) * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """How a bad day went."""

    name: str
    what: str
    """What the day was like, with its sizes."""
    rate: float | None = None
    """Jobs per second, where that is the question."""
    window: str = "steady"
    """Of which jobs: `steady`, all but the first and the last tenth; `last tenth`; or `whole`, all of them, with the
    start of the worker and until everything has ended."""
    figures: Mapping[str, float | list[float]] = field(default_factory=dict)
    """Whatever else was measured; the names end in their units."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Executions and endings, counted."""
    wrong: str | None = None
    """Why the figures are void: counts that do not add up."""
    missing: str | None = None
    """Why this day could not be measured at all."""

    def as_json(self) -> dict[str, object]:
        """As it is kept in the results; the clean rate and the share of it come when all days are over."""
        return {
            "name": self.name,
            "what": self.what,
            "rate": None if self.wrong or self.rate is None else round(self.rate, 1),
            "window": self.window,
            "clean_rate": None,
            "clean_rates": [],
            "share_of_clean": None,
            "figures": dict(self.figures),
            "counts": dict(self.counts),
            "wrong": self.wrong,
            "missing": self.missing,
        }
