"""Connect to the database that a command is about, and say in a sentence why that is not possible."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

from dibs.app import Dibs
from dibs.cli.target import ConfigurationError, Target
from dibs.client.database import FOLDER, Database
from dibs.domain.errors import DibsError
from dibs.storage.connect import DATABASE_ERRORS, Connection, close, connect, open_session, redact
from dibs.storage.migrate import check, migrate, status
from dibs.storage.route import UNTOLD, Route
from dibs.storage.sessions.on_asyncpg import OnAsyncpg

T = TypeVar("T")

_HINTS: Final = {
    "25006": "This is a standby; give the DSN of the primary.",
    "26000": UNTOLD,
    "42P05": UNTOLD,
    "42501": "Connect as the role that owns the tables, or have it grant what is missing, with `dibs grant`; to make a "
    "schema, a role needs `grant create on database`.",
    "42939": "Choose another --schema.",
}
"""What to do when Postgres refuses a statement, by its SQLSTATE."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* in an event loop of its own."""
    return asyncio.run(work)


def is_to_be_made(target: Target) -> bool:
    """True when the target is an embedded database that does not exist yet."""
    return Database(target.dsn).is_embedded and not FOLDER.exists()


@asynccontextmanager
async def located(target: Target, *, creates: bool = False) -> AsyncIterator[str]:
    """The target's DSN; an embedded server runs as long as this lasts.

    With *creates*, an embedded database is made where there is none; other commands only look at what is there.
    What goes wrong with the database ends the command with a sentence and exit code 2.
    """
    with explained("the database"):
        app = Dibs(target.dsn, schema=target.schema)
        if is_to_be_made(target) and not creates:
            raise ConfigurationError(
                f"there is no database here: give --dsn, set DIBS_DATABASE_URL, or go where the folder {FOLDER} is. "
                f"(`dibs migrate` makes an embedded database, in the folder {FOLDER}.)"
            )
        try:
            dsn = await asyncio.to_thread(lambda: app.database_url)
            with explained(redact(dsn)):
                yield dsn
        finally:
            await asyncio.to_thread(app.database.release)


@asynccontextmanager
async def connected(target: Target, *, creates: bool = False) -> AsyncIterator[Connection]:
    """A connection to the target. See `located`."""
    async with located(target, creates=creates) as dsn, _connection(dsn, None) as connection:
        yield connection


@asynccontextmanager
async def session(target: Target, *, settings: dict[str, str] | None = None) -> AsyncIterator[OnAsyncpg]:
    """A session on tables that fit this code; old ones in an embedded database are brought up to date first."""
    async with located(target) as dsn, _connection(dsn, settings) as connection:
        if Database(target.dsn).is_embedded and (await status(connection, target.schema)).applied:
            await migrate(connection, target.schema)
        await check(connection, target.schema)
        yield open_session(Route.of(dsn), connection, target.schema, settings=settings)


@asynccontextmanager
async def _connection(dsn: str, settings: dict[str, str] | None) -> AsyncIterator[Connection]:
    connection = await connect(dsn, name="dibs cli", settings=settings)
    try:
        yield connection
    finally:
        await close(connection)


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn errors of the database and of the configuration into `ConfigurationError`."""
    try:
        yield
    except DibsError as error:
        raise ConfigurationError(str(error)) from error
    except DATABASE_ERRORS as error:
        hint = _HINTS.get(getattr(error, "sqlstate", None) or "", "")
        said = str(error).partition("\nHINT:")[0].rstrip(".") or "no answer in time"  # the hint is ours to give
        raise ConfigurationError(f"{where}: {said}. {hint}".rstrip()) from error
