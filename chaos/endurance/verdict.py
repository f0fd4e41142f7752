"""What a long run has shown, for machines and for people."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Rows as they were measured, and for each law how often it was broken."""

    rows: list[dict[str, Any]]
    figures: dict[str, Any]
    broken: dict[str, int]

    @property
    def has_passed(self) -> bool:
        """True when no law was broken, and something was measured."""
        return bool(self.rows) and not any(self.broken.values())


def write(verdict: Verdict, about: Mapping[str, Any], file: Path) -> None:
    """Write it to *file* as JSON, and beside it as a page."""
    file.parent.mkdir(parents=True, exist_ok=True)
    told = {"passed": verdict.has_passed, **asdict(verdict), "about": dict(about)}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    file.with_suffix(".md").write_text(page(verdict, about), "utf-8")


def page(verdict: Verdict, about: Mapping[str, Any]) -> str:
    """The verdict for people."""
    lines = [
        f"# {'Passed' if verdict.has_passed else 'FAILED'}", "",
        *(f"- {name}: {_told(value)}" for name, value in about.items()), "",
        *_table(["law", "broken"], verdict.broken.items()), "",
        *_table(["figure", ""], verdict.figures.items()), "",
        *_table(list(verdict.rows[0]) if verdict.rows else [], (row.values() for row in verdict.rows)),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _table(heads: list[str], rows: Any) -> list[str]:
    return [_line(heads), _line(["---"] * len(heads)), *map(_line, rows)] if heads else []


def _line(cells: Any) -> str:
    return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int | float) else str(cell) for cell in cells) + " |"


def _told(value: Any) -> str:
    return "; ".join(f"{name}: {one}" for name, one in value.items()) if isinstance(value, dict) else str(value)
