"""pgmq: a message queue in SQL functions, as the PyPI package `pgmq` carries and installs it.

It has no worker: what runs here is the loop that its users write, read, run, delete, over asyncpg. It keeps nothing of
a message that was deleted.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import orjson
import tally
from pgmq.install import get_embedded_install_sql
from sending import run

SERVER: Final = "postgres"
KEEPS_RECORD: Final = False
PROFILES: Final[dict[str, dict[str, Any]]] = {
    # Ten loops that take one message at a time, with the visibility timeout of its examples and the default interval.
    # https://pgmq.github.io/pgmq/api/sql/functions/
    "default": {"loops": 10, "quantity": 1, "poll_interval_ms": 100},
    # Few loops that read and delete many in one call each. Of 10, 100, 500 and 1000 messages the last was the fastest.
    # The server looks for messages every 2 ms instead of its default of 100; no smallest interval is documented. Its
    # other way to be woken, enable_notify_insert, notifies every 250 ms at most by default, and was not tried here.
    # https://pgmq.github.io/pgmq/api/sql/functions/#read_with_poll
    "best": {"loops": 2, "quantity": 1000, "poll_interval_ms": 2},
}

_VISIBILITY_SECONDS: Final = 30
_POLL_SECONDS: Final = 1


async def prepare(url: str) -> None:
    """Install its functions and create one queue."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(get_embedded_install_sql())
        await connection.execute("select pgmq.create('bench')")
    finally:
        await connection.close()


class Producer:
    """Sends over a pool with a connection per caller."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def enqueue(self, number: int, payload: str | None) -> None:
        """Send one message."""
        await self._pool.execute("select pgmq.send('bench', $1::jsonb)", _packed(number, payload))

    async def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        """Send many in one call."""
        messages = [_packed(number, payload) for number in numbers]
        await self._pool.execute("select pgmq.send_batch('bench', $1::jsonb[])", messages)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


async def connect(url: str, callers: int) -> Producer:
    """Open a pool of *callers* connections, which it does not reset after each call: that is a round trip more."""
    return Producer(await asyncpg.create_pool(url, min_size=callers, max_size=callers, reset=_as_it_is))


async def _as_it_is(_: object) -> None:
    """What is called here leaves nothing behind in a session."""


def work(url: str, profile: str) -> None:
    """Run the loops until SIGTERM."""
    settings = PROFILES[profile]
    run(_work(url, settings))


async def finished(url: str) -> int | None:
    """Messages that were deleted."""
    connection = await asyncpg.connect(url)
    try:
        return int(os.environ["TALLY_JOBS"]) - await connection.fetchval("select count(*) from pgmq.q_bench")
    finally:
        await connection.close()


async def _work(url: str, settings: dict[str, Any]) -> None:
    stop, loops = asyncio.Event(), settings["loops"]
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with asyncpg.create_pool(url, min_size=loops, max_size=loops) as pool, asyncio.TaskGroup() as group:
        for _ in range(loops):
            group.create_task(_loop(pool, settings, stop))


async def _loop(pool: asyncpg.Pool, settings: dict[str, Any], stop: asyncio.Event) -> None:
    async with pool.acquire() as connection:
        while not stop.is_set():
            messages = await connection.fetch(
                "select msg_id, message from pgmq.read_with_poll('bench', $1, $2, $3, $4)",
                _VISIBILITY_SECONDS,
                settings["quantity"],
                _POLL_SECONDS,
                settings["poll_interval_ms"],
            )
            if messages:
                await _finish(connection, *await _run(messages))


async def _run(messages: list[asyncpg.Record]) -> tuple[list[int], list[int]]:
    """Run the messages' tasks; give the ids of those that succeeded and of those that failed."""
    if os.environ["TALLY_BODY"] == "noop" or len(messages) == 1:
        # Who writes the loop knows the tasks: those that never wait need no asyncio task each.
        outcomes = [await _attempt(message) for message in messages]
    else:
        outcomes = await asyncio.gather(*map(_attempt, messages))
    ids = [message["msg_id"] for message in messages]
    return (
        [id_ for id_, succeeded in zip(ids, outcomes, strict=True) if succeeded],
        [id_ for id_, succeeded in zip(ids, outcomes, strict=True) if not succeeded],
    )


async def _attempt(message: asyncpg.Record) -> bool:
    try:
        await tally.run(orjson.loads(message["message"])["number"])
    except Exception:  # noqa: BLE001 - a task may raise anything
        return False
    return True


async def _finish(connection: asyncpg.Connection, succeeded: list[int], failed: list[int]) -> None:
    if len(succeeded) == 1:
        await connection.execute("select pgmq.delete('bench', $1::bigint)", succeeded[0])
    elif succeeded:
        await connection.execute("select pgmq.delete('bench', $1::bigint[])", succeeded)
    if failed:  # visible again at once
        await connection.execute("select pgmq.set_vt('bench', $1::bigint[], 0)", failed)


def _packed(number: int, payload: str | None) -> str:
    return orjson.dumps({"number": number, "payload": payload}).decode()
