"""What the rows came to, for people and for machines."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec

from matrix.suite import Result


def line(result: Result) -> str:
    """One row in one line."""
    return (
        f"{'passed' if result.has_passed else 'FAILED'}  {result.row:10}{result.passed:5} passed"
        f"{len(result.failed):4} failed{len(result.skipped):4} skipped{len(result.left_out):4} left out"
        f"{result.seconds:8.1f} s"
    )


def write(results: Sequence[Result], folder: Path) -> None:
    """Write `verdict.json` and `verdict.md`."""
    told = [{"has_passed": result.has_passed, **asdict(result)} for result in results]
    (folder / "verdict.json").write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    (folder / "verdict.md").write_text(page(results), "utf-8")


def page(results: Sequence[Result]) -> str:
    """The verdict for people."""
    lines = [
        "| row | | passed | failed | skipped | left out | seconds |",
        "|---|---|---:|---:|---:|---:|---:|",
        *(
            f"| {r.row} | {'passed' if r.has_passed else '**FAILED**'} | {r.passed} | {len(r.failed)} "
            f"| {len(r.skipped)} | {len(r.left_out)} | {r.seconds:.1f} |"
            for r in results
        ),
    ]
    for result in results:
        lines += ["", f"## {result.row}", ""]
        lines += [f"- failed: `{name}`" for name in result.failed]
        lines += [f"- skipped: {name}" for name in result.skipped]
        lines += [f"- left out: `{name}` ({reason})" for name, reason in result.left_out.items()]
    return "\n".join(lines) + "\n"
