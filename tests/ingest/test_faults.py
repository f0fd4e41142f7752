"""What happens to uploads when workers die, files vanish and jobs are cancelled."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dibs import Dibs, JobState
from dibs_ingest.demo.check import count_everything
from dibs_ingest.service import Service
from dibs_ingest.settings import Settings
from dibs_ingest.store import Files, NewUpload, Upload, open_store
from dibs_ingest.sweep import sweep
from ingest.make_files import DOCUMENTS
from ingest.running import Running, run_service
from support.waiting import eventually_sync


@pytest.fixture
def running(database_url: str, settings: Settings) -> Iterator[Running]:
    """A service of the test's own, without a worker."""
    with run_service(settings, database_url, worker=False) as service:
        yield service


def _running_tasks(running: Running, batch_id: int) -> list[str]:
    tasks = running.client.status(batch_id)["tasks"]
    return [task["filename"] for task in tasks if task["state"] == "running" and task["chunks_done"]]


async def test_a_worker_killed_in_the_middle_costs_nothing_but_time(running: Running):
    names = ["postgresql-sql-createindex.html", "pep-0257-docstrings.txt"]
    worker = running.start_worker()
    batch_id = running.upload(*((name, (DOCUMENTS / name).read_bytes()) for name in names))["batch_id"]
    eventually_sync(lambda: _running_tasks(running, batch_id), what="a file is being embedded")
    worker.send_to_group(signal.SIGKILL)
    worker.wait()
    running.start_worker()
    *_, last = running.client.events(batch_id)
    tasks = last.data["tasks"]
    assert [task["state"] for task in tasks] == ["succeeded"] * 2
    assert max(task["attempt"] for task in tasks) == 2
    await count_everything(running.settings, running.database_url, files=2)


def test_a_worker_that_is_stopped_hands_its_files_to_the_next(running: Running):
    worker = running.start_worker()
    batch_id = running.upload(("long.txt", b"A long text to be embedded. " * 1_500))["batch_id"]
    eventually_sync(lambda: _running_tasks(running, batch_id), what="the file is being embedded")
    worker.send(signal.SIGTERM)
    worker.wait_for("stopping")
    worker.send(signal.SIGTERM)
    worker.wait(within=30)
    assert len(running.spooled) == 1
    running.start_worker()
    *_, last = running.client.events(batch_id)
    assert [task["state"] for task in last.data["tasks"]] == ["succeeded"]
    assert running.spooled == []


def test_a_file_that_vanished_fails_at_once_and_in_words(running: Running):
    batch_id = running.upload(("vanished.txt", b"Soon gone."))["batch_id"]
    (spooled,) = running.spooled
    spooled.unlink()
    running.start_worker()
    *_, last = running.client.events(batch_id)
    (task,) = last.data["tasks"]
    assert (task["state"], task["attempt"]) == ("failed", 1)
    assert task["error"] == "The uploaded file is no longer there. Upload it again."
    assert running.client.documents()["total"] == 0


async def test_the_sweep_removes_what_a_cancelled_job_left_behind(running: Running):
    answer = running.upload(("cancelled.txt", b"Never to be read."), ("waiting.txt", b"Still to be read."))
    cancelled = answer["tasks"][0]["task_id"]
    files = Files.of(running.settings)
    async with (
        Dibs(running.database_url) as app,
        open_store(running.database_url, running.settings.schema, files) as store,
    ):
        await app.cancel([cancelled])
        job = await app.job(cancelled)
        assert job is not None
        assert job.state is JobState.CANCELLED
        assert await sweep(app, store) == 1
        assert await sweep(app, store) == 0
        assert [upload.job_id for upload in await store.uploads(limit=10)] == [answer["tasks"][1]["task_id"]]
    assert len(running.spooled) == 1
    running.start_worker()
    *_, last = running.client.events(answer["batch_id"])
    assert {task["filename"]: task["state"] for task in last.data["tasks"]} == {
        "cancelled.txt": "cancelled",
        "waiting.txt": "succeeded",
    }


async def test_the_sweep_removes_uploads_whose_jobs_are_gone(database_url: str, service: Service):
    upload = NewUpload(name=service.files.new_name(), filename="a.txt", media_type="t", size_bytes=1, sha256="ab")
    service.files.spooled(upload.name).write_text("a")
    async with service.store.pool.acquire() as connection, connection.transaction():
        ids = await service.store.add_documents([upload], connection=connection)
        known = Upload(name=upload.name, document_id=ids["ab"], job_id=123456)
        await service.store.add_uploads([known], connection=connection)
    async with Dibs(database_url) as app:
        assert await sweep(app, service.store) == 1
    assert await service.store.document(ids["ab"]) is None
    assert list(service.files.spool.iterdir()) == []


async def test_the_sweep_leaves_files_alone_that_are_still_being_received(database_url: str, service: Service):
    fresh, old = (service.files.spooled(service.files.new_name()) for _ in range(2))
    for path in (fresh, old):
        path.write_text("half of it")
    week_ago = time.time() - 7 * 86_400
    os.utime(old, (week_ago, week_ago))
    async with Dibs(database_url) as app:
        assert await sweep(app, service.store) == 1
    assert list(service.files.spool.iterdir()) == [fresh]


def test_a_rolled_back_upload_leaves_nothing(running: Running, tmp_path: Path):
    """The jobs' tables vanish between two uploads: documents and jobs are one transaction."""
    import asyncio

    import asyncpg

    async def run(*statements: str) -> None:
        connection = await asyncpg.connect(running.database_url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run("alter table dibs.batch rename to hidden"))
    assert running.post(("lost.txt", b"Lost text.")).status_code == 500
    asyncio.run(run("alter table dibs.hidden rename to batch"))
    assert running.spooled == []

    async def count() -> tuple[int, int]:
        connection = await asyncpg.connect(running.database_url)
        documents = await connection.fetchval("select count(*) from ingest.document")
        jobs = await connection.fetchval("select count(*) from dibs.job")
        await connection.close()
        return documents, jobs

    assert asyncio.run(count()) == (0, 0)
