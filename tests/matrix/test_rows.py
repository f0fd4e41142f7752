"""The table of what is left out can be believed, and nothing that is not tested counts as passed."""

from pathlib import Path

import pytest

from matrix.rows import ROWS
from matrix.suite import ROOT, Result
from matrix.verdict import page


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_whatever_is_run_or_left_out_is_there(row):
    assert all((ROOT / name).exists() for name in row.tests)
    for name, reason in row.left_out.items():
        file, _, test = name.partition("::")
        assert reason
        assert f"def {test}(" in Path(ROOT / file).read_text() if test else (ROOT / file).exists()


def result(**changes) -> Result:
    about = {"row": "pg15", "passed": 3, "failed": [], "skipped": [], "left_out": {}, "seconds": 1.0, "exit_code": 0}
    return Result(**(about | changes))


def test_a_row_passes_when_tests_ran_and_all_of_them_passed():
    assert result().has_passed


@pytest.mark.parametrize("changes", [{"passed": 0}, {"failed": ["a"]}, {"skipped": ["a: why"]}, {"exit_code": 2}])
def test_no_other_row_passes(changes):
    assert not result(**changes).has_passed
    assert "**FAILED**" in page([result(**changes)])
