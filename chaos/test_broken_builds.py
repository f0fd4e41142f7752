"""Short chaos runs, from the command to the verdict: a whole build passes, builds that are broken on purpose do not."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chaos.broken import WAYS
from chaos.crew import ROOT
from chaos.nemesis import NEEDS_VOLUME, NEMESES
from support.processes import Child

SECONDS_MAX = 100.0

#: A lost flush shows by itself, the other defects when a stopped worker comes back.
OPTIONS = {
    "whole": ("--jobs=1500", "--seconds=8", "--workers=3"),
    "fence_removed": ("--broken=fence_removed", "--nemeses=stop", "--jobs=400", "--seconds=4", "--workers=2"),
    "ending_outside": ("--broken=ending_outside", "--nemeses=stop", "--jobs=400", "--seconds=4", "--workers=2"),
    "flush_lost": ("--broken=flush_lost", "--nemeses=", "--jobs=400", "--seconds=4", "--workers=1", "--drain=10"),
}
LAW = {
    "fence_removed": "endings by somebody who did not hold the job",
    "ending_outside": "transactional effects not exactly once",
    "flush_lost": "jobs not ended after the drain",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Child, Path]]]:
    """All runs, side by side: most of the time they wait for time-outs."""
    with ExitStack() as stack:
        started = {}
        for name, options in OPTIONS.items():
            folder = tmp_path_factory.mktemp(name)
            command = [sys.executable, "-m", "chaos.run", f"--folder={folder}", *options]
            # Sockets have short paths, which folders of pytest's do not.
            env = {"TMPDIR": stack.enter_context(tempfile.TemporaryDirectory(prefix="dibs-"))}
            started[name] = stack.enter_context(Child(command, cwd=ROOT, env=env)), folder
        yield started


def verdict(run: tuple[Child, Path]) -> dict[str, Any]:
    """What a run came to, once it is over."""
    child, folder = run
    code = child.wait(within=SECONDS_MAX)
    file = next(folder.glob("*/verdict.json"), None)
    assert file is not None, child.output
    told = json.loads(file.read_bytes())
    assert code == int(not told["passed"])
    assert file.with_suffix(".md").read_text() in child.output
    return told


def test_every_way_to_break_a_build_is_tried():
    assert LAW.keys() == WAYS.keys() == OPTIONS.keys() - {"whole"}


@pytest.mark.parametrize("way", LAW)
def test_a_broken_build_is_judged_as_failed(runs: dict[str, tuple[Child, Path]], way: str):
    told = verdict(runs[way])
    assert not told["passed"]
    assert LAW[way] in told["breaches"]


def test_a_whole_build_under_all_nemeses_is_judged_as_passed(runs: dict[str, tuple[Child, Path]]):
    told = verdict(runs["whole"])
    assert (told["breaches"], told["passed"]) == ({}, True)
    figures = told["figures"]
    struck = {name for name in NEMESES if figures.get(f"strikes: {name}")}
    assert struck | ({NEEDS_VOLUME} & told["about"]["left out"].keys()) == set(NEMESES)
    assert figures["jobs acknowledged"] > 1000
    for what in ("executions repeated", "transactional effects", "batches", "calls with unknown outcome"):
        assert figures[what] > 0, what
    history = next(runs["whole"][1].glob("*/history"))
    assert {"crew.jsonl", "nemesis.jsonl", "tables.jsonl"} <= {file.name for file in history.iterdir()}
