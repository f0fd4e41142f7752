"""Databases without tables, and a role that may do no more than it must."""

import secrets
import urllib.parse
from collections.abc import Iterator

import pytest

from support.postgres import TestServer


@pytest.fixture
def plain_role_url(database_server: TestServer, empty_database_url: str) -> Iterator[str]:
    """An empty database, as seen by a role that is no superuser and has only CREATE on it."""
    role = f"plain_{secrets.token_hex(5)}"
    parts = urllib.parse.urlsplit(empty_database_url)
    database = parts.path.removeprefix("/")
    database_server.execute(f"create role {role} login password 'secret'")
    database_server.execute(f"grant create, connect on database {database} to {role}")
    host = parts.netloc.rpartition("@")[2]
    yield parts._replace(netloc=f"{role}:secret@{host}").geturl()
    database_server.execute(f"drop database {database} with (force)")
    database_server.execute(f"create database {database}")
    database_server.execute(f"drop role {role}")
