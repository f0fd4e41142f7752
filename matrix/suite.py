"""Run the tests of one row, and count."""

import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from matrix.rows import Row
from matrix.server import ServerError, open_to_all

ROOT: Final = Path(__file__).parents[1]
STOP_SECONDS: Final = 30.0
"""How long pytest may take to end once it is told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a row."""

    row: str
    passed: int
    failed: list[str]
    skipped: list[str]
    """Tests that left themselves out, each with its reason."""
    left_out: dict[str, str]
    """Tests that the row leaves out, each with the reason."""
    seconds: float
    exit_code: int

    @property
    def has_passed(self) -> bool:
        """True when tests ran, all of them passed, and none was skipped in silence."""
        return self.exit_code == 0 and bool(self.passed) and not self.failed and not self.skipped


def run(row: Row, folder: Path) -> Result:
    """Start the row's server, run its tests there, and stop it; pytest's output goes to *folder*."""
    report, began = folder / f"{row.name}.xml", monotonic()
    # In /tmp, whatever TMPDIR says: the path of a socket has few characters.
    with tempfile.TemporaryDirectory(prefix="dm-", dir="/tmp") as place:
        open_to_all(Path(place))
        try:
            with row.serve(Path(place)) as environment, (folder / f"{row.name}.log").open("wb") as log:
                code = _pytest(row, report, environment, log.fileno())
        except ServerError as error:
            code, missing = 1, [str(error)]
        else:
            missing = []
    cases = list(ET.parse(report).getroot().iter("testcase")) if report.exists() else []  # noqa: S314 - our own
    failed = [_name(case) for case in cases if _has(case, "failure", "error")]
    skipped = [f"{_name(case)}: {_reason(case)}" for case in cases if _has(case, "skipped")]
    return Result(
        row=row.name,
        passed=len(cases) - len(failed) - len(skipped),
        failed=missing + failed,
        skipped=skipped,
        left_out=dict(row.left_out),
        seconds=round(monotonic() - began, 1),
        exit_code=code,
    )


def _pytest(row: Row, report: Path, environment: Mapping[str, str], output: int) -> int:
    left_out = [f"--deselect={name}" for name in row.left_out]
    command = [sys.executable, "-m", "pytest", "-n", "4", "--dist", "loadfile", "--no-loadscope-reorder", "-q",
               f"--junitxml={report}", *left_out, *row.tests]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _has(case: ET.Element, *tags: str) -> bool:
    return any(case.find(tag) is not None for tag in tags)


def _name(case: ET.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def _reason(case: ET.Element) -> str:
    skipped = case.find("skipped")
    return "" if skipped is None else str(skipped.get("message"))
