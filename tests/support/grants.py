"""Roles that may do only what `dibs grant` let them do, and what they are refused."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from support.cli import Cli, as_role, execute
from support.pooler import direct

#: `grant("worker", "producer")` makes a role of these kinds and gives the database's URL for it.
Grant = Callable[..., str]


@contextmanager
def granting(database_url: str) -> Iterator[Grant]:
    """Make roles; they are dropped at the end."""
    made: list[str] = []

    def make(*kinds: str, schema: str = "dibs") -> str:
        role = f"role_{secrets.token_hex(5)}"
        with ThreadPoolExecutor(1) as thread:  # a test's event loop may be running in this one
            thread.submit(execute, database_url, f"create role {role} login password 'secret'").result()
            made.append(role)
            if kinds:
                thread.submit(Cli(database_url), "--schema", schema, "grant", *kinds, "--to", role).result()
        return as_role(database_url, role)

    yield make
    for role in made:
        execute(database_url, f"drop owned by {role}; drop role {role}")


def role_of(url: str) -> str:
    """The role that a URL names."""
    return str(urlsplit(url).username)


async def refused(url: str, *statements: str) -> None:
    """Each of *statements* is refused for want of the right to it."""
    connection = await asyncpg.connect(direct(url))
    try:
        for statement in statements:
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
            pytest.fail(f"was allowed: {statement}")
    finally:
        await connection.close()
