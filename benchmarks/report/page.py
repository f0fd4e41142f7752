"""`python -m benchmarks.report.page`: put the newest results into docs/performance.md and the README.

The prose is written by hand; every table of figures stands between two marks and comes from here, so that no figure on
a page can differ from the file it was measured into.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.peers import table
from benchmarks.report import tables
from benchmarks.report.results import Results, newest, read

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "performance.md"
PAGES: Final = (PAGE, ROOT / "README.md")
"""Each with the marks it wants; the README has none while there are no results."""

_OF_DIBS: Final[dict[str, Callable[[Results], str]]] = {
    "run": tables.run,
    "targets": tables.targets,
    "scenarios": tables.scenarios,
    "limits": tables.limits,
    "bad days": tables.bad_days,
}
_OF_PEERS: Final[dict[str, Callable[[Results], str]]] = {
    "peers": table.table,
    "peers in short": table.short,
    "targets among peers": tables.targets_among_peers,
    "run of peers": tables.run_of_peers,
}
_MARKED: Final = re.compile(r"(<!-- results: ([a-z ]+) -->\n).*?(<!-- end of results -->)", re.DOTALL)
_NONE: Final = "There are no results yet."


def filled(page: str, own: Path | None, peers: Path | None) -> str:
    """*page* with the figures of the run of dibs in the file *own*, and of the comparison in the file *peers*.

    Raises:
        KeyError: A mark names a section that there is not.
    """

    def fill(mark: re.Match[str]) -> str:
        return f"{mark[1]}{_section(mark[2], own, peers)}\n{mark[3]}"

    return _MARKED.sub(fill, page)


def _section(name: str, own: Path | None, peers: Path | None) -> str:
    if name == "plots":
        return _plots(own) if own else _NONE
    if name == "plots of peers":
        return _plots(peers) if peers else _NONE
    if name in _OF_PEERS:
        return _OF_PEERS[name](read(peers)) if peers else _NONE
    return _OF_DIBS[name](read(own)) if own else _NONE


def _plots(file: Path) -> str:
    """Links to the plots that were drawn of a file of results."""
    drawn = sorted(file.parent.glob(f"{file.stem}-*.svg"))
    return "\n\n".join(f"![{path.stem}](../benchmarks/results/{path.name})" for path in drawn) or "None were drawn."


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(filled(path.read_text("utf-8"), newest("dibs"), newest("peers")), "utf-8")
