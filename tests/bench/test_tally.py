"""Executions are counted in every process, whatever becomes of it."""

import os
import signal
import subprocess
import sys
from array import array
from pathlib import Path

import pytest

from dibs.bench import executions
from dibs.bench.driver import STAGE
from dibs.bench.stage.tally import FILES
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
    assert executions.count(tmp_path, JOBS) == (39, 42)
    assert executions.count(tmp_path, JOBS, range(5, 20)) == (15, 18)
    assert executions.counts(tmp_path, JOBS, range(18, 20)) == bytes([1, 2])
    counts = count(found, fail_every=0, finished=40)
    assert (counts.lost, counts.repeated) == (1, 3)
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
    ("fail_every", "executed", "repeated", "unretried"),
    [
        (0, {}, 0, 0),
        (0, {3: 2}, 1, 0),
        (20, {19: 2, 39: 2}, 0, 0),
        (20, {19: 2, 39: 3}, 1, 0),
        (20, {19: 2}, 0, 1),
        # As many executions in all as there have to be, and still one job was not retried.
        (20, {3: 2, 19: 2}, 1, 1),
    ],
)
def test_each_job_is_held_against_how_often_it_had_to_run(
    fail_every: int, executed: dict[int, int], repeated: int, unretried: int
):
    found = executions.Executions(bytes(executed.get(number, 1) for number in range(JOBS)), array("q", [1] * JOBS))
    counts = count(found, fail_every=fail_every, finished=None)
    assert (counts.repeated, counts.unretried) == (repeated, unretried)
    assert (wrong(counts) is None) == (repeated == unretried == 0)
    if unretried:
        assert wrong(counts) == "1 jobs failed, as they should, and were not retried"


def test_a_process_for_each_job_does_not_make_a_file_for_each(tmp_path: Path):
    """Whoever looks reads all files, fifty times a second."""
    fork = "pid = os.fork()\n    if not pid: run_sync(n); os._exit(0)\n    os.waitpid(pid, 0)"
    execute(tmp_path, f"for n in [*range(JOBS_), 7]:\n    {fork}".replace("JOBS_", str(JOBS)))
    assert executions.count(tmp_path, JOBS) == (JOBS, JOBS + 1)
    assert len(list(tmp_path.iterdir())) <= FILES < JOBS
