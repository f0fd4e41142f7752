"""A database that is not there, or lets nobody in, as an application meets it."""

import asyncpg
import pytest

from dibs import ConfigError, DatabaseUnavailableError, Dibs
from support.cli import as_role

NOBODY = "postgresql://nobody:secret@127.0.0.1:1/nothing"


async def test_an_unreachable_database_is_named_with_the_reason_and_without_the_password():
    app = Dibs(NOBODY)

    @app.task()
    async def greet() -> None:
        """Never runs."""

    for attempt in (greet.enqueue(), app.open(), app.migrate(), app.status()):
        with pytest.raises(DatabaseUnavailableError, match=r"Connect call failed.* Is the server there") as caught:
            await attempt
        assert str(caught.value).startswith("can not connect to 'postgresql://nobody:***@127.0.0.1:1/nothing': ")
        assert isinstance(caught.value.__cause__, OSError)
    assert isinstance(caught.value, ConnectionError)  # as code that knows nothing of dibs expects
    await app.close()


def test_synchronous_code_gets_the_same_error():
    app = Dibs(NOBODY)

    @app.task()
    def greet() -> None:
        """Never runs."""

    with pytest.raises(DatabaseUnavailableError, match="Is the server there"):
        greet.enqueue_sync()


async def test_a_server_that_turns_the_connection_down_is_quoted_with_what_to_do(database_url: str):
    url = as_role(database_url, "nobody_of_that_name", "wrong")
    with pytest.raises(DatabaseUnavailableError) as caught:
        await Dibs(url).open()
    assert (caught.value.sqlstate or "").startswith("28")
    assert isinstance(caught.value.__cause__, asyncpg.PostgresError)
    assert "wrong" not in str(caught.value)


async def test_a_port_that_is_none_is_a_bad_dsn():
    with pytest.raises(ConfigError, match="is not a DSN"):
        await Dibs("postgresql://nobody@127.0.0.1:99999/nothing").open()
