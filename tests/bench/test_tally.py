"""Executions are counted in every process, whatever becomes of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dibs.bench import executions
from dibs.bench.driver import STAGE
from dibs.bench.verdict import count, wrong

JOBS = 40


def execute(folder: Path, code: str, body: str = "noop") -> int:
    """Run *code* in a process of its own, with the tally at hand; gives its exit code."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(STAGE.parent),
        "TALLY_DIR": str(folder),
        "TALLY_JOBS": str(JOBS),
        "TALLY_BODY": body,
    }
    command = [sys.executable, "-c", f"import asyncio, os, signal\nfrom tally import *\n{code}"]
    return subprocess.run(command, env=environment, check=False).returncode


def test_nothing_executed_is_all_lost(tmp_path: Path):
    assert executions.count(tmp_path, JOBS) == (0, 0)
    found = executions.read(tmp_path, JOBS)
    assert (found.lost, found.first_ns, found.last_ns) == (JOBS, 0, 0)


def test_lost_and_repeated_jobs_of_several_processes_are_seen(tmp_path: Path):
    execute(tmp_path, "for n in range(0, 20): run_sync(n)")
    execute(tmp_path, "for n in range(19, 39): asyncio.run(run(n))")
    execute(tmp_path, "run_sync(5); run_sync(5)")
    found = executions.read(tmp_path, JOBS)
    assert (found.distinct, found.lost, found.total) == (39, 1, 42)
    assert found.first_ns == found.starts[0] > 0
    assert found.last_ns == found.starts[38]
    assert found.starts[39] == 0
    counts = count(found, failures=0, finished=40)
    assert (counts.lost, counts.repeated, counts.stale_endings) == (1, 3, None)
    assert wrong(counts) == "1 of 40 jobs were not executed in time"


def test_a_killed_process_keeps_its_counts(tmp_path: Path):
    assert execute(tmp_path, "run_sync(3); os.kill(os.getpid(), signal.SIGKILL)") == -signal.SIGKILL
    assert executions.count(tmp_path, JOBS) == (1, 1)


def test_a_forked_process_counts_for_itself(tmp_path: Path):
    execute(tmp_path, "run_sync(0)\nif not os.fork():\n    run_sync(0); os._exit(0)\nos.wait()")
    assert executions.count(tmp_path, JOBS) == (1, 2)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("processes", [1, 2])
def test_what_should_fail_fails_once_wherever_it_runs(tmp_path: Path, processes: int):
    attempt = "for n in range(40):\n    try: run_sync(n)\n    except DeliberateError: pass"
    for _ in range(processes):
        execute(tmp_path, attempt, body="fail:0.05")
    assert (tmp_path / "failed").read_bytes() == bytes(1 if n in {19, 39} else 0 for n in range(JOBS))
    assert execute(tmp_path, "run_sync(19)", body="fail:0.05") == 0


@pytest.mark.parametrize(
    ("failures", "total", "repeated"), [(0, 40, 0), (0, 41, 1), (2, 42, 0), (2, 43, 1), (2, 40, 0)]
)
def test_executions_that_had_to_be_are_not_held_against_a_system(failures: int, total: int, repeated: int):
    found = executions.Executions(JOBS, JOBS, total, executions.array("q", [1] * JOBS))
    assert count(found, failures=failures, finished=None).repeated == repeated
