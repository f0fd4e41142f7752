"""Real workers for the tests of this folder, and what they must leave behind."""

import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from dibs import Dibs
from support import scripted
from support.conservation import assert_conserved
from support.pooler import direct
from support.processes import DIBS, Child
from support.workers import READY, StartWorker


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to look with. After each test, every job is in exactly one place."""
    connection = await asyncpg.connect(direct(database_url))
    await connection.execute("create table effect (job_id bigint, attempt int, pid int, what text)")
    yield connection
    await assert_conserved(connection)
    await connection.close()


@pytest.fixture
async def app(database_url: str, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dibs]:
    """The scripted app, on the test's database."""
    monkeypatch.setenv("DIBS_DATABASE_URL", database_url)
    yield scripted.app
    await scripted.app.close()


@pytest.fixture
def start_worker(run_child: Callable[..., Child], database_url: str) -> StartWorker:
    """Start `dibs worker` on the scripted app, perhaps with a constant changed, and wait until it serves."""

    def start(*options: str, wait: bool = True, url: str = database_url, change: str = "") -> Child:
        env = {"DIBS_DATABASE_URL": url, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-c", f"{change}\nfrom dibs.cli import main\nmain()"] if change else [DIBS]
        child = run_child([*command, "worker", "support.scripted:app", *options], env={**os.environ, **env})
        if wait:
            child.wait_for(READY)
        return child

    return start


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A gate for tasks to wait at: `gate.touch()` opens it."""
    return tmp_path / "gate"
