"""Which session a connection gets, and what is said when there is none for it."""

import subprocess
import sys

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from dibs.domain.job import NewJob
from dibs.engine.enqueue import enqueue
from dibs.storage.borrow import async_session, sync_session

JOB = NewJob(task="app:task", args_json="{}", queue="q")
ASYNC_ENGINE = create_async_engine("postgresql+asyncpg://nobody@nowhere/none")
ENGINE = sqlalchemy.create_engine("postgresql+psycopg://nobody@nowhere/none")


@pytest.fixture
def sync_connection(database_url: str) -> psycopg.Connection:
    with psycopg.connect(database_url) as connection:
        yield connection


@pytest.fixture
async def async_connection(database_url: str) -> psycopg.AsyncConnection:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        yield connection


def test_a_synchronous_connection_is_sent_to_the_synchronous_verb(
    sync_connection: psycopg.Connection,
) -> None:
    for connection, name in ((sync_connection, "psycopg.Connection"), (Session(ENGINE), "Session")):
        with pytest.raises(TypeError, match=rf"{name}, which is synchronous; .* ends in _sync"):
            async_session(connection, "dibs")


async def test_an_asynchronous_connection_is_sent_to_the_verb_to_await(
    async_connection: psycopg.AsyncConnection, observer: asyncpg.Connection
) -> None:
    for connection in (async_connection, observer, AsyncSession(ASYNC_ENGINE), ASYNC_ENGINE.connect()):
        with pytest.raises(TypeError, match="which is asynchronous; with it, await the verb without _sync"):
            sync_session(connection, "dibs")


@pytest.mark.parametrize("session", [async_session, sync_session])
@pytest.mark.parametrize("pool", [ASYNC_ENGINE, ENGINE])
def test_a_pool_has_no_transaction_to_join(session: object, pool: object) -> None:
    with pytest.raises(TypeError, match="Engine, which has no transaction to join; take a connection from it"):
        session(pool, "dibs")


@pytest.mark.parametrize("session", [async_session, sync_session])
@pytest.mark.parametrize("other", [None, "postgresql://", object()])
def test_anything_else_is_refused_by_its_name(session: object, other: object) -> None:
    with pytest.raises(TypeError, match=rf"^expected an? .*Session, got builtins\.{type(other).__name__}$"):
        session(other, "dibs")


def test_another_database_is_refused() -> None:
    with (
        sqlalchemy.create_engine("sqlite://").connect() as connection,
        pytest.raises(TypeError, match=r"postgresql\+psycopg://\), got one through sqlite\+pysqlite"),
    ):
        sync_session(connection, "dibs").run(enqueue([JOB]))


def test_looking_at_a_connection_imports_no_extra_driver() -> None:
    code = """
import sys
from dibs.storage.borrow import async_session, sync_session
for session in (async_session, sync_session):
    try:
        session(object(), "dibs")
    except TypeError:
        pass
print(sorted({"psycopg", "sqlalchemy"} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"
