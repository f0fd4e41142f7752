"""The Postgres of a run: its own, durable, and open to abuse."""

import asyncio
import contextlib
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Final, Self

import asyncpg

from dibs import embedded

SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Few, so that they can be exhausted in no time.
    "max_connections": "100",
    # Little, so that it fits on a small volume; so there are many checkpoints, too.
    "max_wal_size": "256MB",
}

ADMIN: Final = "chaos"
"""The name of the harness's own connections, which are spared."""

ANSWER_SECONDS_MAX: Final = 60.0
"""How long the server may be away while it is asked something."""

UNANSWERED: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
_AGAIN_SECONDS: Final = 0.1


class Asked:
    """Whoever answers at a DSN."""

    dsn: str

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection of the harness's own."""
        return await asyncpg.connect(self.dsn, timeout=5.0, server_settings={"application_name": ADMIN})

    async def ask(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """The answer to a question that may be asked twice; waits while the server is away or full."""
        until = monotonic() + ANSWER_SECONDS_MAX
        while True:
            try:
                connection = await self.connect()
                try:
                    return await connection.fetch(sql, *values, timeout=30.0)
                finally:
                    connection.terminate()
            except UNANSWERED:
                if monotonic() > until:
                    raise
                await asyncio.sleep(_AGAIN_SECONDS)


class Server(Asked, contextlib.AbstractContextManager["Server"]):
    """A Postgres that can crash and be started again, under the same DSN."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uses = contextlib.ExitStack()
        self._server = self._use()
        self.dsn = self._server.dsn
        self.turn = asyncio.Lock()
        """Held by whoever stops it."""

    @property
    def socket_folder(self) -> Path:
        """Where its socket is."""
        return Path(urllib.parse.parse_qs(urllib.parse.urlsplit(self.dsn).query)["host"][0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._uses.close()

    def crash(self) -> None:
        """End it as a crash does: nothing is written down, connections break off."""
        ended = self._server.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._server.data_folder))
        if ended.returncode:
            raise RuntimeError(f"Postgres did not stop: {ended.stderr}")

    def start(self) -> None:
        """Start it again; it recovers."""
        self._use()

    def _use(self) -> embedded.EmbeddedPostgres:
        return self._uses.enter_context(embedded.start(self._folder, settings=SETTINGS))
