"""Run `dibs` in this process, and look at the database from code without a loop."""

import asyncio
import urllib.parse
from typing import Any

import asyncpg
from click.testing import CliRunner, Result

from dibs.cli import main
from support.pooler import direct


class Cli:
    """The `dibs` command on one database, which is named by the environment."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *args: str, code: int = 0, typed: str | None = None) -> Result:
        """Run a command to its end, which must be this exit code."""
        result = CliRunner().invoke(main, args, input=typed, env={"DIBS_DATABASE_URL": self.url})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.output
        return result


def as_role(url: str, role: str, password: str = "secret") -> str:
    """The same database for another role."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()


def execute(url: str, sql: str) -> None:
    """Run one statement."""

    async def run() -> None:
        connection = await asyncpg.connect(direct(url))
        await connection.execute(sql)
        await connection.close()

    asyncio.run(run())


def fetch(url: str, sql: str) -> Any:
    """One value."""

    async def run() -> Any:
        connection = await asyncpg.connect(direct(url))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())
