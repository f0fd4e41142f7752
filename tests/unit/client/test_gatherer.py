"""Which errors make gathered calls be written again one by one, and which must not."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from dibs import EnqueuedJob, NewJob
from dibs.client.gatherer import STATEMENTS_MAX, Gatherer


def job() -> NewJob:
    return NewJob(task="t", args_json="{}", queue="q")


@pytest.mark.parametrize(
    ("error", "is_written_again"),
    [
        (asyncpg.UniqueViolationError("no"), True),
        (asyncpg.ConnectionDoesNotExistError("cut"), False),
        (asyncpg.AdminShutdownError("shut down"), False),
        (asyncpg.InterfaceError("closed"), False),
        (ConnectionResetError("reset"), False),
    ],
)
async def test_only_a_statement_that_the_server_refused_is_split(error: Exception, is_written_again: bool) -> None:  # noqa: FBT001
    written: list[int] = []

    async def write(jobs: Sequence[NewJob]) -> list[EnqueuedJob]:
        written.append(len(jobs))
        raise error

    gatherer = Gatherer(write)
    calls = [asyncio.ensure_future(gatherer.enqueue([job()])) for _ in range(STATEMENTS_MAX + 5)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert answers == [error] * len(calls)
    gathered = [rows for rows in written if rows > 1]
    assert gathered == [5]
    assert len(written) == STATEMENTS_MAX + 1 + (5 if is_written_again else 0)
