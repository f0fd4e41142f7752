"""`dibs status`: what people, programs and alarms read."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from dibs.domain.outcome import Outcome, Verdict
from support.cli import Cli
from support.engine import FAILURE, Engine, new_job
from support.processes import DIBS, Child


async def a_busy_shop(engine: Engine) -> None:
    """Two ready, one scheduled, one running, one failed; a worker for one of the two queues."""
    await engine.enqueue(new_job("mail"), new_job("mail"), new_job("mail", delay_seconds=60), new_job("pdf"))
    worker = await engine.register("mail")
    await engine.claim_one(worker, "mail")
    await engine.enqueue(new_job("mail"))
    failing = await engine.claim_one(worker, "pdf")
    await engine.finish(failing, outcome=Outcome(Verdict.FAIL, failure=FAILURE))
    await engine.connection.execute("update dibs.job set enqueued_at = now() - interval '3 min'")


def test_json_tells_queues_and_workers(dibs: Cli, arrange: Callable):
    arrange(a_busy_shop)
    found = json.loads(dibs("status", "--json").stdout)
    assert set(found) == {"schema", "queues", "workers", "problems"}
    mail, pdf = found["queues"]
    oldest = mail.pop("oldest_seconds")
    assert 170 < oldest < 240
    assert mail == {"name": "mail", "ready": 2, "scheduled": 1, "running": 1, "failed": 0}
    assert pdf == {"name": "pdf", "ready": 0, "scheduled": 0, "running": 0, "failed": 1, "oldest_seconds": None}
    [worker] = found["workers"]
    assert (worker["hostname"], worker["pid"], worker["queues"]) == ("host", 4711, ["mail"])
    assert (worker["slots"], worker["running"], worker["is_alive"]) == (10, 1, True)
    assert found["problems"] == []


def test_people_see_tables(dibs: Cli, arrange: Callable):
    assert dibs("status").output == "No queues yet: they come with their first job.\n\nNo workers.\n"
    arrange(a_busy_shop)
    lines = [line.split() for line in dibs("status").output.splitlines()]
    assert lines[0] == ["queue", "ready", "scheduled", "running", "failed", "oldest", "ready"]
    assert lines[1][:8] == ["mail", "2", "1", "1", "0", "3", "min", lines[1][7]]
    assert lines[5][:6] == ["1", "host", "4711", "mail", "10", "1"]


def test_a_check_passes_while_every_line_is_served(dibs: Cli, arrange: Callable):
    dibs("status", "--check")
    arrange(a_busy_shop)
    dibs("status", "--check")


def test_a_check_fails_when_nobody_serves_a_line(dibs: Cli, arrange: Callable):
    async def without_a_worker(engine: Engine) -> None:
        await engine.register("mail")
        await engine.enqueue(new_job("pdf", delay_seconds=60), new_job("pdf"))

    arrange(without_a_worker)
    assert "queue pdf: 1 ready job, and no live worker serves it" in dibs("status", "--check", code=1).output
    dibs("status")


def test_a_check_fails_when_a_worker_is_lost(dibs: Cli, arrange: Callable):
    async def lose_it(engine: Engine) -> None:
        await a_busy_shop(engine)
        await engine.lose(1)

    arrange(lose_it)
    said = dibs("status", "--check", code=1).output
    assert "queue mail: 2 ready jobs, and no live worker serves it" in said
    assert "queue mail: 1 running job, and no live worker to rescue them" in said
    assert "worker 1 on host: no heartbeat for 36" in said
    assert json.loads(dibs("status", "--json", "--check", code=1).stdout)["problems"]


def test_without_tables_it_says_what_to_run(dibs_on_empty: Cli):
    said = dibs_on_empty("status", "--check", code=2).output
    assert "no dibs tables in schema 'dibs'" in said
    assert "run: dibs migrate" in said


def test_without_any_database_it_makes_none(tmp_path: Path, run_child: Callable[..., Child]):
    environment = {**os.environ, "DIBS_DATABASE_URL": ""}
    child = run_child([DIBS, "status"], env=environment, cwd=tmp_path)
    assert child.wait() == 2
    assert "there is no database here" in child.output
    assert list(tmp_path.iterdir()) == []


def test_watching_ends_with_ctrl_c_and_exit_code_0(database_url: str, tmp_path: Path, run_child: Callable[..., Child]):
    command = [DIBS, "status", "--watch", "--json", "--interval", "0.1"]
    child = run_child(command, env={"DIBS_DATABASE_URL": database_url}, cwd=tmp_path)
    child.wait_for('"queues"')
    child.wait_for('"queues"', after=2)
    child.send(signal.SIGINT)
    assert child.wait() == 0
    assert all(json.loads(line) for line in child.output.splitlines())


def test_watching_is_for_looking(dibs: Cli):
    dibs("status", "--watch", "--check", code=2)
