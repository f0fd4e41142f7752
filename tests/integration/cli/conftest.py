"""Run commands in this process, on a real database; and put jobs there for them to find."""

import asyncio
import secrets
import urllib.parse
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support.cli import Cli, as_role
from support.engine import Engine
from support.pooler import direct
from support.postgres import TestServer

Arrange = Callable[[Callable[[Engine], Awaitable[Any]]], Any]


@pytest.fixture
def dibs(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """On a database with tables."""
    monkeypatch.chdir(tmp_path)
    return Cli(database_url)


@pytest.fixture
def dibs_on_empty(empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """On a database without."""
    monkeypatch.chdir(tmp_path)
    return Cli(empty_database_url)


@pytest.fixture
def arrange(database_url: str) -> Arrange:
    """Do something with the engine, on the database of `dibs`."""

    async def with_engine(act: Callable[[Engine], Awaitable[Any]]) -> Any:
        connection = await asyncpg.connect(direct(database_url))
        try:
            return await act(Engine(connection))
        finally:
            await connection.close()

    return lambda act: asyncio.run(with_engine(act))


@pytest.fixture
def lowly_url(database_server: TestServer, empty_database_url: str) -> Iterator[str]:
    """The empty database, as seen by a role that may connect, and no more."""
    role = f"lowly_{secrets.token_hex(5)}"
    database_server.execute(f"create role {role} login password 'secret'")
    yield as_role(empty_database_url, role)
    database = urllib.parse.urlsplit(empty_database_url).path.removeprefix("/")
    database_server.execute(f"drop database {database} with (force)")
    database_server.execute(f"create database {database}")
    database_server.execute(f"drop role {role}")
