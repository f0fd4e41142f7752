"""Behind a pooler. Without one, a plain server has to do, which shows at least what is not used of a session.

The matrix has rows with PgBouncer.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from dibs import Dibs
from support import pooled
from support.conservation import assert_conserved
from support.pooler import POOLER, direct
from support.processes import DIBS, Child
from support.workers import READY, StartWorker


@pytest.fixture
def pooled_url(database_url: str) -> str:
    """The test's database, as somebody behind a pooler names it."""
    if POOLER in os.environ:
        return database_url
    return f"{database_url}{'&' if urlsplit(database_url).query else '?'}pgbouncer=true"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to look with. After each test, every job is in exactly one place."""
    connection = await asyncpg.connect(direct(database_url))
    await connection.execute(pooled.EFFECTS)
    yield connection
    await assert_conserved(connection)
    await connection.close()


@pytest.fixture
async def app(pooled_url: str, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dibs]:
    """The app of these tests, behind the pooler."""
    monkeypatch.setenv("DIBS_DATABASE_URL", pooled_url)
    yield pooled.app
    await pooled.app.close()


@pytest.fixture
def start_worker(run_child: Callable[..., Child], pooled_url: str) -> StartWorker:
    """Start `dibs worker` behind the pooler, and wait until it serves."""

    def start(*options: str) -> Child:
        folder = Path(__file__).parents[2]
        environment = {"DIBS_DATABASE_URL": pooled_url, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
        worker = run_child([DIBS, "worker", "support.pooled:app", *options], env=environment)
        worker.wait_for(READY)
        return worker

    return start


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file that lets jobs go on once it is there."""
    return tmp_path / "gate"
