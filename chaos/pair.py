"""A primary and its standby, both embedded, under one DSN that names both."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Final

import asyncpg

from chaos.server import ADMIN, SETTINGS, Asked
from dibs import embedded

FOLLOW_SECONDS_MAX: Final = 30.0
_LOOK_SECONDS: Final = 0.1


class Pair(Asked):
    """Two servers, of which one takes writes. Whoever asks is led to that one."""

    def __init__(self, primary: embedded.EmbeddedPostgres, standby: embedded.EmbeddedPostgres) -> None:
        self._primary = primary
        self._standby = standby
        hosts = ",".join(server.dsn.partition("host=")[2] for server in (primary, standby))
        self.dsn = f"postgresql://postgres@/postgres?host={hosts}&target_session_attrs=read-write"

    async def replicate(self, *, synchronously: bool) -> None:
        """Wait until the standby follows; from then on, commits wait for it if that is wanted."""
        if synchronously:
            # After the standby was made: it is not to wait for a standby of its own once it is the primary.
            await _tell(self._primary, "alter system set synchronous_standby_names = '*'", "select pg_reload_conf()")
        state = "sync" if synchronously else "async"
        await _until(self._primary, f"select exists (select from pg_stat_replication where sync_state = '{state}')")

    async def part(self) -> None:
        """Have the standby follow no longer: what is committed from now on, it will never know."""
        await _tell(self._standby, "alter system set primary_conninfo = ''", "select pg_reload_conf()")
        await _until(self._standby, "select not exists (select from pg_stat_wal_receiver)")

    def crash(self) -> None:
        """End the primary as a power cut does; it does not come back."""
        _control(self._primary, "stop", "-m", "immediate")

    def promote(self) -> None:
        """Make the standby the primary, as Patroni or an operator does; returns when it takes writes."""
        _control(self._standby, "promote")


@contextlib.contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    """Start both; at the end none is left."""
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(embedded.start(folder / "a", settings=SETTINGS))
        copy = folder / "b" / "postgres"
        copy.mkdir(parents=True, mode=0o700)
        ran = primary.run("pg_basebackup", "-D", str(copy / "data"), "-R", "-c", "fast", "-d", primary.dsn)
        if ran.returncode:
            raise RuntimeError(f"no standby could be made: {ran.stderr}")
        yield Pair(primary, stack.enter_context(embedded.start(folder / "b", settings=SETTINGS)))


def _control(server: embedded.EmbeddedPostgres, *order: str) -> None:
    ran = server.run("pg_ctl", order[0], "-w", *order[1:], "-D", str(server.data_folder))
    if ran.returncode:
        raise RuntimeError(f"pg_ctl {order[0]}: {ran.stderr or ran.stdout}")


async def _tell(server: embedded.EmbeddedPostgres, *statements: str) -> Any:
    """Run the statements on this server; gives the value of the last one."""
    connection = await asyncpg.connect(server.dsn, timeout=5.0, server_settings={"application_name": ADMIN})
    try:
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close()


async def _until(server: embedded.EmbeddedPostgres, question: str) -> None:
    until = monotonic() + FOLLOW_SECONDS_MAX
    while not await _tell(server, question):
        if monotonic() > until:
            raise TimeoutError(f"not within {FOLLOW_SECONDS_MAX:g} s: {question}")
        await asyncio.sleep(_LOOK_SECONDS)
