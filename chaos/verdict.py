"""The verdict on a history, and how it is written down."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from chaos.figures import Figures, figures
from chaos.history import History
from chaos.laws import LAWS, Law

SHOWN: Final = 20
"""Of those that break a law, so many are named."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that does not hold."""

    count: int
    examples: list[int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a history says."""

    breaches: dict[str, Breach]
    figures: Figures
    laws: tuple[str, ...] = tuple(LAWS)
    """Those that the history was held against."""

    @property
    def has_passed(self) -> bool:
        """True when every law holds and there was something to judge."""
        return not self.breaches and bool(self.figures["jobs acknowledged"])


def judge(history: History, laws: Mapping[str, Law] = LAWS) -> Verdict:
    """Hold a history against every law."""
    broken = {name: sorted(set(law(history))) for name, law in laws.items()}
    breaches = {name: Breach(len(those), those[:SHOWN]) for name, those in broken.items() if those}
    return Verdict(breaches, figures(history), tuple(laws))


def write(verdict: Verdict, about: Mapping[str, Any], file: Path) -> None:
    """Write it to *file*, for machines, and beside it as a page for people."""
    file.parent.mkdir(parents=True, exist_ok=True)
    told = {"passed": verdict.has_passed, **asdict(verdict), "about": dict(about)}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    file.with_suffix(".md").write_text(page(verdict, about), "utf-8")


def page(verdict: Verdict, about: Mapping[str, Any]) -> str:
    """The verdict for people."""
    lines = [
        f"# {'Passed' if verdict.has_passed else 'FAILED'}",
        "",
        *(f"- {name}: {_told(value)}" for name, value in about.items()),
        "",
        "| law | broken |",
        "|---|---:|",
        *(f"| {name} | {_breach(verdict.breaches.get(name))} |" for name in verdict.laws),
        "",
        "| figure | |",
        "|---|---:|",
        *(f"| {name} | {_number(value)} |" for name, value in verdict.figures.items()),
    ]
    return "\n".join(lines) + "\n"


def _told(value: Any) -> str:
    return "; ".join(f"{name}: {one}" for name, one in value.items()) if isinstance(value, dict) else str(value)


def _breach(breach: Breach | None) -> str:
    return "0" if breach is None else f"**{breach.count:,}**: {', '.join(map(str, breach.examples))}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"
