"""A DSN that names several servers, and a server that does not take writes any more."""

from pathlib import Path

import asyncpg
import pytest

from chaos.proxy import Proxy
from dibs import DatabaseUnavailableError, Dibs, JobState
from dibs.storage import connect
from support import scripted
from support.jobs import in_state
from support.postgres import PrivateServer
from support.workers import StartWorker


def folder_of(server: PrivateServer) -> Path:
    return Path(server.url.partition("host=")[2])


async def test_a_server_that_swallows_everything_does_not_hide_the_next_one(
    private_server: PrivateServer, tmp_path: Path, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "CONNECT_SECONDS", 1.0)
    async with Proxy(tmp_path, short_folder / "mute") as mute:
        mute.cut()
        app = Dibs(f"postgresql://postgres@/postgres?host={short_folder / 'mute'},{folder_of(private_server)}")
        await app.migrate()
        await app.close()
        with pytest.raises(DatabaseUnavailableError, match=r"no answer in time.* / .*No such file"):
            await Dibs(f"postgresql://postgres@/postgres?host={short_folder / 'mute'},/nowhere").open()


async def test_a_worker_whose_server_became_read_only_looks_for_one_that_is_not(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    """As after a failover that left connections to the old primary open."""
    database = await db.fetchval("select quote_ident(current_database())")
    worker = start_worker("--queues=default:2")
    await db.execute(f"alter database {database} set default_transaction_read_only = on")
    await db.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name ~ 'dibs'"
                     " and datname = current_database()")  # fmt: skip
    worker.wait_for("read-only transaction")
    await db.execute(f"alter database {database} reset default_transaction_read_only")
    job = await scripted.count.enqueue(1)
    assert (await in_state(app, job.id, JobState.SUCCEEDED)).attempt == 1
    assert worker.is_alive
