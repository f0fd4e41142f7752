"""The commands, as a user types them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import pytest

import dibs.embedded
from dibs_ingest.run.processes import free_port
from ingest.make_files import DOCUMENTS
from support.processes import Child

INGEST = str(Path(sys.executable).with_name("dibs-ingest"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A demo: with which options, of which documents, and what must be counted at its end."""

    options: tuple[str, ...] = ()
    names: tuple[str, ...]
    notes: int
    chunks: int

    def documents(self, parent: Path) -> Path:
        """A folder with copies of them, and with notes of a line each."""
        folder = parent / "documents"
        folder.mkdir()
        for name in self.names:
            shutil.copy(DOCUMENTS / name, folder / name)
        for number in range(self.notes):
            (folder / f"note-{number}.txt").write_text(f"Note {number} is soon read.")
        return folder


SHOWS = {
    # A note is soon done; the others have more chunks than are embedded at once, so they can be caught in the middle.
    "embedded": Show(
        options=("--kill",),
        names=("debconf-specification.docx", "postgresql-sql-createindex.html"),
        notes=1,
        chunks=58,
    ),
    "given": Show(names=("pep-0257-docstrings.txt",), notes=3, chunks=21),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", SHOWS)
def test_the_demo_ends_well_and_leaves_nothing_behind(
    tmp_path: Path, models_folder: Path, database_url: str, database: str
):
    show = SHOWS[database]
    documents = show.documents(tmp_path)
    temporary = tmp_path / "t"
    temporary.mkdir()
    variables = {**os.environ, "DIBS_INGEST_MODELS": str(models_folder), "TMPDIR": str(temporary)}
    variables.pop("DIBS_DATABASE_URL", None)
    if database == "given":
        variables["DIBS_DATABASE_URL"] = database_url
    command = [INGEST, "demo", "--documents", str(documents), *show.options]
    done = subprocess.run(
        command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=220
    )
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(show.names) + show.notes
    assert f"{count} documents, {show.chunks} chunks, each exactly once" in done.stdout
    assert done.stdout.count("succeeded") >= count
    if show.options:
        assert "Killed the worker (SIGKILL) while it had in hand: " in done.stdout
        assert "is back in line" in done.stdout
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["documents", "t"]
    left = subprocess.run(["pgrep", "-f", str(temporary)], capture_output=True, text=True, check=False).stdout
    assert left == ""
    if database == "given":
        assert _schemas(database_url) == {"dibs", "public"}


def _schemas(database_url: str) -> set[str]:
    import asyncio

    import asyncpg

    async def read() -> set[str]:
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetch(
            "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'"
        )
        await connection.close()
        return {row[0] for row in rows}

    return asyncio.run(read())


def test_a_demo_that_fails_says_why_and_cleans_up(tmp_path: Path, models_folder: Path):
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "broken.pdf").write_bytes((DOCUMENTS / "bzip2-manual.pdf").read_bytes()[:50_000])
    temporary = tmp_path / "t"
    temporary.mkdir()
    variables = {**os.environ, "DIBS_INGEST_MODELS": str(models_folder), "TMPDIR": str(temporary)}
    variables.pop("DIBS_DATABASE_URL", None)
    command = [INGEST, "demo", "--documents", str(documents)]
    done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "broken.pdf: The file is damaged or cut off" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(temporary.iterdir()) == []


def test_serve_runs_until_it_is_told_to_stop(
    run_child: Callable[..., Child], database_url: str, models_folder: Path, tmp_path: Path
):
    port = free_port()
    variables = {
        "DIBS_DATABASE_URL": database_url,
        "DIBS_INGEST_DATA": str(tmp_path / "data"),
        "DIBS_INGEST_MODELS": str(models_folder),
    }
    serve = run_child([INGEST, "serve", "--port", str(port)], env=variables)
    serve.wait_for("Ready on http://127.0.0.1", within=90)
    assert httpx2.get(f"http://127.0.0.1:{port}/health").json()["status"] == "ok"
    serve.send(signal.SIGTERM)  # and SIGINT below
    assert serve.wait(within=60) == 0
    left = subprocess.run(["pgrep", "-g", str(serve.pid)], capture_output=True, text=True, check=False).stdout
    assert left == ""


def test_told_twice_serve_hands_back_what_runs_and_leaves_nothing_behind(
    run_child: Callable[..., Child], models_folder: Path, short_folder: Path
):
    data = short_folder / "data"
    variables = {**os.environ, "DIBS_INGEST_DATA": str(data), "DIBS_INGEST_MODELS": str(models_folder)}
    variables.pop("DIBS_DATABASE_URL", None)  # an embedded Postgres, which must be the last to go
    port = free_port()
    serve = run_child([INGEST, "serve", "--port", str(port)], env=variables, cwd=short_folder)
    serve.wait_for("Ready on http://127.0.0.1", within=90)
    long = "\n\n".join(f"Paragraph {n} tells of the {n}th day, and of what came with it." for n in range(5_000))
    answer = httpx2.post(f"http://127.0.0.1:{port}/upload", files=[("files", ("long.txt", long.encode()))], timeout=60)
    batch = answer.json()["batch_id"]
    with httpx2.stream("GET", f"http://127.0.0.1:{port}/tasks/{batch}/events", timeout=60) as events:
        lines = events.iter_lines()
        while "embedding" not in next(lines):
            pass
        serve.send(signal.SIGINT)
        serve.wait_for("Stopping", within=20)
        for _ in lines:  # the stream ends because the service does
            pass
    serve.wait_for("1 jobs run on", within=20)
    serve.send(signal.SIGINT)
    assert serve.wait(within=30) == 130
    assert "Traceback" not in serve.output
    assert "no connection to Postgres" not in serve.output
    assert subprocess.run(["pgrep", "-f", str(short_folder)], capture_output=True, check=False).stdout == b""
    with dibs.embedded.start(data) as server, psycopg.connect(server.dsn) as database:
        assert database.execute("select state, attempt from dibs.jobs").fetchall() == [("ready", 0)]


def test_a_port_that_is_taken_is_said_to_be_before_anything_starts(models_folder: Path, tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        command = [INGEST, "serve", "--port", str(other.getsockname()[1])]
        variables = {**os.environ, "DIBS_INGEST_DATA": str(tmp_path), "DIBS_INGEST_MODELS": str(models_folder)}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Can not listen on 127.0.0.1" in done.stderr
    assert "Choose another port with --port" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_serve_ends_with_an_error_when_its_worker_dies(
    run_child: Callable[..., Child], database_url: str, models_folder: Path, tmp_path: Path
):
    variables = {
        "DIBS_DATABASE_URL": database_url,
        "DIBS_INGEST_DATA": str(tmp_path / "data"),
        "DIBS_INGEST_MODELS": str(models_folder),
    }
    serve = run_child([INGEST, "serve", "--port", str(free_port())], env=variables)
    serve.wait_for("Ready on", within=90)
    children = (Path(f"/proc/{serve.pid}/task/{serve.pid}/children")).read_text().split()
    for child in children:
        if "worker" in Path(f"/proc/{child}/cmdline").read_text():
            os.kill(int(child), signal.SIGKILL)
    assert serve.wait(within=60) == 1
    assert "The worker ended unexpectedly" in serve.output


def test_sweep_on_a_database_without_the_service_says_so(database_url: str, tmp_path: Path):
    variables = {**os.environ, "DIBS_DATABASE_URL": database_url, "DIBS_INGEST_DATA": str(tmp_path)}
    done = subprocess.run([INGEST, "sweep"], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Error: The service has never run on this database (schema 'ingest').\n"


def test_a_database_that_is_not_there_is_said_not_to_be(models_folder: Path, tmp_path: Path):
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    variables = {**os.environ, "DIBS_DATABASE_URL": url, "DIBS_INGEST_MODELS": str(models_folder)}
    done = subprocess.run([INGEST, "serve"], env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
