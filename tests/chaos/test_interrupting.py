"""A chaos run that is interrupted leaves nothing behind, whatever it was doing to its workers."""

import signal
import sys
from pathlib import Path

import pytest

from chaos.crew import ROOT
from support.processes import Child
from support.waiting import eventually_sync


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(short_folder: Path, signum: signal.Signals):
    command = [sys.executable, "-m", "chaos.run", f"--folder={short_folder}", "--jobs=3000", "--seconds=60",
               "--workers=1", "--nemeses=stop"]  # fmt: skip
    with Child(command, cwd=ROOT, env={"TMPDIR": str(short_folder)}) as run:
        run.wait_for("jobs ended")
        run.send(signum)
        assert run.wait() == 130, run.output
    eventually_sync(lambda: not processes_of(short_folder), what="all processes gone")
    assert not list(short_folder.glob("chaos-*"))
    assert not list(short_folder.glob("*/verdict.json"))


def processes_of(folder: Path) -> list[str]:
    """The processes that name *folder* in their command or their environment."""
    named = str(folder).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if named in command or named in environment:
            found.append(command.replace(b"\0", b" ").decode())
    return found
