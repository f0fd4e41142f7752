"""One server for the whole run, a database for each test, and servers that a test may break."""

import asyncio
import contextlib
import os
import secrets
import shutil
import tempfile
import threading
import urllib.parse
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from dibs.storage import embedded
from dibs.storage.migrate import migrate
from support.pooler import pooled

T = TypeVar("T")

#: Crashes of the whole machine are the one thing these tests do not try.
FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}
#: Each clone has 8 MB and lives as long as its test; the write-ahead log may take 2 GB.
_MEMORY_BYTES_NEEDED = 4 * 1024**3


def run_folder() -> Path:
    """Make the folder of a test run: in memory if there is plenty, since others may keep the disk busy."""
    memory = Path("/dev/shm")
    writable = memory.is_dir() and os.access(memory, os.W_OK)
    roomy = writable and shutil.disk_usage(memory).free > _MEMORY_BYTES_NEEDED
    folder = Path(tempfile.mkdtemp(prefix="dibs-tests-", dir=memory if roomy else None))
    # Some tests run their processes as another user.
    folder.chmod(0o755)
    return folder


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urllib.parse.urlsplit(url)._replace(path=f"/{name}").geturl()


class TestServer:
    """Makes and drops databases from a thread of its own: for sync and async tests alike."""

    __test__ = False

    def __init__(self, url: str, run: str) -> None:
        self.url = url
        self.template = f"dibs_template_{run}"
        self._run = run
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="test-server")
        self._thread.start()
        self._admin: asyncpg.Connection = self._wait(asyncpg.connect(url))

    @contextlib.contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """A new database, dropped at the end with whatever is still connected to it."""
        name = f"dibs_{self._run}_{secrets.token_hex(5)}"
        # Copying the files takes 15-20 ms here; through the write-ahead log it takes 20-50 ms.
        template = f"{self.template} strategy file_copy" if migrated else "template0"
        self.execute(f"create database {name} template {template}")
        try:
            yield pooled(with_database(self.url, name))
        finally:
            self.execute(f"drop database {name} with (force)")

    def ensure_template(self) -> None:
        """Make the database that the others are cloned from, once per run, whichever process comes first."""
        self._wait(self._make_template())

    def drop_template(self) -> None:
        """Leave nothing behind on a server that outlives the run."""
        self.execute(f"drop database if exists {self.template} with (force)")

    def execute(self, sql: str) -> None:
        """Run one statement on the database that the URL names."""
        self._wait(self._admin.execute(sql))

    def close(self) -> None:
        """Disconnect; the databases stay as they are."""
        self._wait(self._admin.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _make_template(self) -> None:
        lock = "hashtextextended($1, 0)"
        await self._admin.execute(f"select pg_advisory_lock({lock})", self.template)
        try:
            exists = "select exists (select from pg_database where datname = $1)"
            if await self._admin.fetchval(exists, self.template):
                return
            unfinished = f"{self.template}_unfinished"
            await self._admin.execute(f"drop database if exists {unfinished}")
            await self._admin.execute(f"create database {unfinished} template template0")
            connection = await asyncpg.connect(with_database(self.url, unfinished))
            await migrate(connection)
            await connection.close()
            await self._admin.execute(f"alter database {unfinished} rename to {self.template}")
        finally:
            await self._admin.execute(f"select pg_advisory_unlock({lock})", self.template)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)


class PrivateServer:
    """A server of one test's own, which may be stopped, killed and started again under the same URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uses = contextlib.ExitStack()
        self.server = self._use()
        self.url = self.server.dsn

    def start(self) -> None:
        """Start it again after `stop`; it recovers what a crash left behind."""
        self._use()

    def stop(self, mode: str = "immediate") -> None:
        """Stop it under its users' feet: *immediate* is a crash, *fast* cuts connections in good order."""
        stopped = self.server.run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.server.data_folder))
        assert stopped.returncode == 0, stopped.stderr

    def close(self) -> None:
        """Leave it for good."""
        self._uses.close()

    def _use(self) -> embedded.EmbeddedPostgres:
        return self._uses.enter_context(embedded.start(self._folder, settings=FAST_SETTINGS))
