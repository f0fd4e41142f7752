"""A worker that does not get on notices it, says so, and can be asked."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from dibs import Dibs, JobState
from dibs.worker.health import REQUEST_BYTES_MAX
from support import scripted
from support.jobs import in_state
from support.ports import free_port
from support.postgres import PrivateServer
from support.waiting import eventually
from support.workers import StartWorker


async def ask(port: int, request: bytes = b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n") -> tuple[int, str]:
    """The status and the words of the answer; zero when there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = (await reader.read()).decode()
    writer.close()
    if not answer:
        return 0, ""
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["status"] if body else ""


async def test_a_job_that_blocks_the_event_loop_is_named(app: Dibs, start_worker: StartWorker, gate: Path) -> None:
    worker = start_worker("--queues=default:2")
    job = await scripted.hold_the_loop.enqueue(gate=str(gate))
    worker.wait_for("the event loop has been blocked for 5 s")
    worker.wait_for("in hold_the_loop")
    gate.touch()
    worker.wait_for("the event loop goes on after")
    assert (await in_state(app, job.id, JobState.SUCCEEDED)).attempt == 1
    assert worker.output.count("has been blocked") == 1


async def test_a_healthy_worker_says_so(app: Dibs, start_worker: StartWorker) -> None:
    port = free_port()
    start_worker("--queues=default:1", f"--health={port}")
    assert await eventually(lambda: _is(port, 200)) == "ok"
    assert await ask(port, b"HEAD /health?deep=1 HTTP/1.0\r\n\r\n") == (200, "")
    assert await ask(port, b"GET / HTTP/1.1\r\n\r\n") == (404, "there is only /health")
    assert await ask(port, b"POST /health HTTP/1.1\r\n\r\n") == (405, "only GET and HEAD")
    assert await ask(port, b"x" * (2 * REQUEST_BYTES_MAX) + b"\r\n\r\n") == (0, "")
    assert await ask(port) == (200, "ok")


async def test_without_its_database_a_worker_is_unhealthy_and_ends_when_told_to(
    private_server: PrivateServer, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIBS_DATABASE_URL", private_server.url)
    await scripted.app.migrate()
    await scripted.app.close()
    port = free_port()
    patient = start_worker("--timeout=4", f"--health={port}", url=private_server.url)
    hasty = start_worker("--timeout=4", "--exit-when-stuck=3", url=private_server.url)
    assert await eventually(lambda: _is(port, 200)) == "ok"
    private_server.stop("immediate")
    assert "no heartbeat got through for" in await eventually(lambda: _is(port, 503))
    assert hasty.wait(within=30) == 1
    assert len(re.findall(r"giving up after \d+ s", hasty.output)) == 1
    assert "resource effects could not be closed" in hasty.output
    assert re.search(r"worker \d+ has stopped", hasty.output)
    patient.wait_for("CRITICAL.*no job could be claimed and no ending recorded for 1. s", within=30)
    private_server.start()
    assert await eventually(lambda: _is(port, 200)) == "ok"
    assert patient.is_alive


async def test_a_worker_that_gives_up_lets_what_runs_come_to_its_end(
    private_server: PrivateServer, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch, gate: Path
) -> None:
    monkeypatch.setenv("DIBS_DATABASE_URL", private_server.url)
    await scripted.app.migrate()
    worker = start_worker("--timeout=4", "--exit-when-stuck=3", "--shutdown=600", url=private_server.url)
    job = await scripted.pass_gate_in_thread.enqueue(gate=str(gate))
    await in_state(scripted.app, job.id, JobState.RUNNING)
    await scripted.app.close()
    private_server.stop("immediate")
    worker.wait_for("stopping: 1 jobs run on")
    worker.wait_for("CRITICAL.*no job could be claimed and no ending recorded for 1. s", within=30)
    gate.touch()
    assert worker.wait(within=30) == 1
    assert "interrupted" not in worker.output


async def _is(port: int, status: int) -> str:
    """What it says once it answers so."""
    try:
        found, said = await ask(port)
    except ConnectionError:
        return ""
    return said if found == status else ""


@pytest.mark.usefixtures("app")
async def test_a_port_that_is_taken_ends_the_start(start_worker: StartWorker) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with taken:
        port = taken.sockets[0].getsockname()[1]
        worker = start_worker(f"--health={port}", wait=False)
        assert worker.wait() == 2
    assert f"can not listen for health probes at 127.0.0.1:{port}" in worker.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--health=here"], "expected a port, as in 8080 or 0.0.0.0:8080, got 'here'"),
        (["--health=70000"], "expected a port"),
        (["--health=8080", "--processes=2"], "--health is for one process"),
        (["--exit-when-stuck=1"], "stuck for 3 seconds at least"),
    ],
)
@pytest.mark.usefixtures("app")
async def test_settings_that_can_not_work_are_said(start_worker: StartWorker, options: list[str], said: str) -> None:
    worker = start_worker(*options, wait=False)
    assert worker.wait() == 2
    assert said in worker.output
