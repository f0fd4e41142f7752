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
    clean_rate: float | None = None
    """Jobs per second of the same worker on an otherwise empty database, measured just before."""
    figures: Mapping[str, float | list[float]] = field(default_factory=dict)
    """Whatever else was measured; the names end in their units."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Executions and endings, counted."""
    wrong: str | None = None
    """Why the figures are void: counts that do not add up."""
    missing: str | None = None
    """Why this day could not be measured at all."""

    @property
    def share(self) -> float | None:
        """Of the clean rate."""
        if self.wrong or self.rate is None or not self.clean_rate:
            return None
        return self.rate / self.clean_rate

    def as_json(self) -> dict[str, object]:
        """As it is kept in the results."""
        return {
            "name": self.name,
            "what": self.what,
            "rate": None if self.wrong or self.rate is None else round(self.rate, 1),
            "clean_rate": None if self.clean_rate is None else round(self.clean_rate, 1),
            "share_of_clean": None if self.share is None else round(self.share, 3),
            "figures": dict(self.figures),
            "counts": dict(self.counts),
            "wrong": self.wrong,
            "missing": self.missing,
        }
