"""`python -m benchmarks.report.page`: put the newest results into docs/performance.md.

The page's prose is written by hand; every table of figures stands between two marks and comes from here, so that no
figure on the page can differ from the file it was measured into.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.report import tables
from benchmarks.report.results import Results, newest, read

PAGE: Final = Path(__file__).parents[2] / "docs" / "performance.md"

_SECTIONS: Final[dict[str, Callable[[Results], str]]] = {
    "run": tables.run,
    "targets": tables.targets,
    "scenarios": tables.scenarios,
    "limits": tables.limits,
    "bad days": tables.bad_days,
}
_MARKED: Final = re.compile(r"(<!-- results: ([a-z ]+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def filled(page: str, results: Results, file: Path) -> str:
    """*page* with the figures of *results*, which lie in *file*.

    Raises:
        KeyError: A mark names a section that there is not.
    """

    def fill(mark: re.Match[str]) -> str:
        return f"{mark[1]}{_plots(file) if mark[2] == 'plots' else _SECTIONS[mark[2]](results)}\n{mark[3]}"

    return _MARKED.sub(fill, page)


def _plots(file: Path) -> str:
    """Links to the plots that were drawn of a file of results."""
    drawn = sorted(file.parent.glob(f"{file.stem}-*.svg"))
    return "\n\n".join(f"![{path.stem}](../benchmarks/results/{path.name})" for path in drawn) or "None were drawn."


if __name__ == "__main__":
    latest = newest()
    if latest is None:
        raise SystemExit("there are no results yet: run `make bench`")
    PAGE.write_text(filled(PAGE.read_text("utf-8"), read(latest), latest), "utf-8")
