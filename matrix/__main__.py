"""`make test-matrix`: the tests on each server, one row after the other, and a verdict.

    python -m matrix            all rows
    python -m matrix pg15 tls   only these

The verdict is written to .matrix/<date>, with the output of each row. The exit code is 0 when every row has passed,
1 when one has not, 130 after Ctrl-C or SIGTERM.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from matrix import verdict
from matrix.rows import ROWS
from matrix.suite import run

ROOT: Final = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that were asked for; gives the exit code."""
    names = _names(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = ROOT / ".matrix" / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S")
    folder.mkdir(parents=True)
    results = []
    try:
        for name in names:
            results.append(run(ROWS[name], folder))
            click.echo(verdict.line(results[-1]))
    except KeyboardInterrupt:
        click.echo("interrupted; nothing is judged", err=True)
        return 130
    verdict.write(results, folder)
    click.echo(folder / "verdict.md")
    return 0 if all(result.has_passed for result in results) else 1


def _names(arguments: Sequence[str] | None) -> list[str]:
    parser = argparse.ArgumentParser(
        prog="python -m matrix", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="row", help=f"of {', '.join(ROWS)}; default: all")
    given: list[str] = parser.parse_args(arguments).rows
    if unknown := set(given) - set(ROWS):
        parser.error(f"expected some of {', '.join(ROWS)}, got {', '.join(sorted(unknown))}")
    return given or list(ROWS)


if __name__ == "__main__":
    sys.exit(main())
