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
    calls = [asyncio.ensure_future(gatherer.enqueue([job()])) for _ in range(6)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert answers == [error] * len(calls)
    assert written == ([1, 5, 1, 1, 1, 1, 1] if is_written_again else [1, 5])


async def test_callers_that_call_again_at_once_are_gathered_with_those_that_wait() -> None:
    written: list[int] = []

    async def write(jobs: Sequence[NewJob]) -> list[EnqueuedJob]:
        written.append(len(jobs))
        await asyncio.sleep(0)
        return [EnqueuedJob(id=1, task=each.task, queue=each.queue) for each in jobs]

    async def call_three_times(gatherer: Gatherer) -> None:
        for _ in range(3):
            await gatherer.enqueue([job()])

    gatherer = Gatherer(write)
    await asyncio.gather(*(call_three_times(gatherer) for _ in range(10)))
    assert written == [1, 10, 10, 9]


async def test_a_statement_that_is_held_up_does_not_hold_up_all_others() -> None:
    under_way: list[asyncio.Event] = []

    async def write(jobs: Sequence[NewJob]) -> list[EnqueuedJob]:
        under_way.append(asyncio.Event())
        if len(under_way) == STATEMENTS_MAX:
            all_are_held_up.set()
        await under_way[-1].wait()
        return [EnqueuedJob(id=1, task=each.task, queue=each.queue) for each in jobs]

    all_are_held_up = asyncio.Event()
    gatherer = Gatherer(write)
    calls = []
    while not all_are_held_up.is_set():
        calls.append(asyncio.ensure_future(gatherer.enqueue([job()])))
        await asyncio.sleep(0)
    for held_up in under_way:
        held_up.set()
    while not all(call.done() for call in calls):
        await asyncio.sleep(0)
        for held_up in under_way:
            held_up.set()
    assert len(under_way) >= STATEMENTS_MAX
