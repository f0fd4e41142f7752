"""The short forms of the long runs: they measure, judge, and write down what they found."""

import json
from pathlib import Path

import pytest

from chaos.endurance.__main__ import main
from chaos.endurance.verdict import Verdict


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("pinned", ["--minutes=0.1", "--rows=4", "--rate=50"]),
        ("leak", ["--jobs=2000"]),
        ("stops", ["--times=2"]),
    ],
)
def test_a_long_run_in_its_short_form(tmp_path: Path, part: str, options: list[str]):
    code = main([f"--folder={tmp_path}", part, *options])
    (file,) = tmp_path.glob(f"*-{part}.json")
    told = json.loads(file.read_text())
    assert code == (0 if told["passed"] else 1)
    assert told["rows"]
    # How fast a busy machine is, and how its memory grows in two seconds, says nothing; that no job is lost does.
    broken = {law: count for law, count in told["broken"].items() if "drift" not in law and "growth" not in law}
    assert set(broken.values()) == {0}, told
    assert file.with_suffix(".md").read_text().startswith("# ")


def test_a_run_with_a_broken_law_or_without_a_row_has_not_passed():
    assert Verdict(rows=[{"n": 1}], figures={}, broken={"law": 0}).has_passed
    assert not Verdict(rows=[{"n": 1}], figures={}, broken={"law": 1}).has_passed
    assert not Verdict(rows=[], figures={}, broken={"law": 0}).has_passed
