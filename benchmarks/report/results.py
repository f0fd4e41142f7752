"""The file of results: one JSON for each run, newest last by name."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "results"

Results = dict[str, Any]


def path_of(date: str) -> Path:
    """Where the results of dibs' own run of a day lie."""
    return FOLDER / f"{date}-dibs.json"


def newest(kind: str) -> Path | None:
    """The newest file of results: of *dibs*, or of its comparison with *peers*."""
    return max(FOLDER.glob(f"*-{kind}.json"), default=None)


def read(path: Path) -> Results:
    """The results in *path*."""
    found: Results = json.loads(path.read_text("utf-8"))
    return found


def write(path: Path, results: Results) -> None:
    """Write results, so that a difference between two runs can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")


def by_name(entries: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The entries of one section."""
    return {entry["name"]: entry for entry in entries}
