"""What every tier of tests shares. The server is real: embedded for the run, or DIBS_DATABASE_URL."""

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dibs.storage import embedded
from dibs.storage.embedded.keeper import postmaster_pid
from support.postgres import FAST_SETTINGS, PrivateServer, TestServer, run_folder
from support.processes import Child
from support.waiting import eventually_sync

# So that a failure in a rule tells what was compared: here, before tests/interleaving imports the model.
pytest.register_assert_rewrite("stateful")

_FOLDER = "DIBS_TEST_RUN_FOLDER"
_RUN = "DIBS_TEST_RUN"
_URL = "DIBS_DATABASE_URL"


def pytest_configure(config: pytest.Config) -> None:
    """Name the run; the processes of pytest-xdist inherit the names, and so share its server and template."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell ignores it for what it runs in the background, and children inherit that; tests send it to them.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        os.environ[_RUN] = secrets.token_hex(4)
        os.environ[_FOLDER] = str(run_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind: all test processes have ended, and with them the embedded server."""
    if hasattr(config, "workerinput"):
        return
    if url := os.environ.get(_URL):
        server = TestServer(url, os.environ[_RUN])
        server.drop_template()
        server.close()
    remove_folder(Path(os.environ.pop(_FOLDER)))


def remove_folder(folder: Path) -> None:
    """Delete *folder*, after the server in it, if any, has stopped: its users may have been killed just now."""
    eventually_sync(lambda: postmaster_pid(folder / "postgres" / "data") is None)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_server() -> Iterator[TestServer]:
    """The server of this run. Tests ask for `database_url`; this is for fixtures with another scope."""
    with ExitStack() as stack:
        url = os.environ.get(_URL)
        if not url:
            folder = Path(os.environ[_FOLDER])
            url = stack.enter_context(embedded.start(folder, settings=FAST_SETTINGS)).dsn
        server = TestServer(url, os.environ[_RUN])
        stack.callback(server.close)
        server.ensure_template()
        yield server


@pytest.fixture
def database_url(database_server: TestServer) -> Iterator[str]:
    """A fresh database with the tables of dibs in schema `dibs`, for one test."""
    with database_server.database() as url:
        yield url


@pytest.fixture
def empty_database_url(database_server: TestServer) -> Iterator[str]:
    """A fresh database with nothing in it, for one test."""
    with database_server.database(migrated=False) as url:
        yield url


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket, which pytest's own often is not."""
    folder = Path(tempfile.mkdtemp(prefix="dibs-", dir=os.environ[_FOLDER]))
    yield folder
    remove_folder(folder)


@pytest.fixture
def private_server(short_folder: Path) -> Iterator[PrivateServer]:
    """A server that the test may stop, crash and start again."""
    server = PrivateServer(short_folder)
    yield server
    server.close()


@pytest.fixture
def run_child() -> Iterator[Callable[..., Child]]:
    """Start real processes: `run_child([DIBS, "worker", ...], env=...)`. None of them outlives the test."""
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(Child(*args, **kwargs))
