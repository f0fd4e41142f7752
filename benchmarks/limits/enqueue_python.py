"""Enqueueing from Python: a bare INSERT (L1), dibs' own statement (L3), and the app (L4), each in one process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import asyncpg

from benchmarks.costs import cpu_seconds, read_costs, settled_costs
from benchmarks.ground import SCHEMA, Ground, places
from benchmarks.limits.enqueue_rows import insert_statement
from benchmarks.limits.figure import Figure
from benchmarks.limits.lines import QUEUE, enqueue_one, new_job, written
from benchmarks.limits.steps import enqueue_query
from benchmarks.servers import Server
from dibs import Dibs, Task
from dibs.bench.scenarios.scenario import milliseconds
from dibs.bench.stage.sending import make_payload, percentiles

Call = Callable[[int], Awaitable[object]]

_CALLS_MIN: Final = 100


async def insert(server: Server, ground: Ground, *, jobs: int, callers: int, payload_bytes: int) -> Figure:
    """L1: a prepared INSERT of the rows of one job, over as many asyncpg connections as there are callers."""
    first = await enqueue_one(ground, payload_bytes=payload_bytes)
    text = insert_statement(await places(ground, first))
    return await _over_connections(server, ground, text, (), level="L1", what="bare INSERT", jobs=jobs, callers=callers)


async def statement(server: Server, ground: Ground, *, jobs: int, callers: int, payload_bytes: int) -> Figure:
    """L3: the statement of enqueue for one job, over as many asyncpg connections as there are callers."""
    await enqueue_one(ground, payload_bytes=payload_bytes)
    query = enqueue_query([new_job(1, payload_bytes=payload_bytes)])
    text = query.statement.text(SCHEMA)
    return await _over_connections(
        server, ground, text, query.params, level="L3", what="enqueue", jobs=jobs, callers=callers
    )


async def app(server: Server, ground: Ground, *, jobs: int, callers: int, payload_bytes: int) -> Figure:
    """L4: `Task.enqueue`, with the app's own pool."""
    await enqueue_one(ground, payload_bytes=payload_bytes)
    text = make_payload(payload_bytes)

    @asynccontextmanager
    async def connected() -> AsyncIterator[Call]:
        async with Dibs(ground.url) as opened:
            task = _task(opened)
            yield lambda number: task.enqueue(number=number, payload=text)

    return await _timed(
        server, ground, connected(), jobs=jobs, callers=callers, name=f"enqueue_one.L4.x{callers}", level="L4",
        what=f"Task.enqueue, {callers} caller(s)",
    )  # fmt: skip


async def app_bulk(server: Server, ground: Ground, *, jobs: int, batch: int, payload_bytes: int) -> Figure:
    """L4: `enqueue_many`, *batch* jobs a call, with the making and checking of the jobs."""
    await enqueue_one(ground, payload_bytes=payload_bytes)
    text = make_payload(payload_bytes)

    @asynccontextmanager
    async def connected() -> AsyncIterator[Call]:
        async with Dibs(ground.url) as opened:
            task = _task(opened)

            async def call(nth: int) -> None:
                numbers = range(nth * batch, nth * batch + batch)
                await opened.enqueue_many([task.job(number=number, payload=text) for number in numbers])

            yield call

    return await _timed(
        server, ground, connected(), jobs=jobs, callers=1, jobs_per_call=batch, level="L4",
        name=f"enqueue_bulk.L4.{payload_bytes}", what=f"enqueue_many, {batch} jobs of {payload_bytes} B a call",
    )  # fmt: skip


def _task(opened: Dibs) -> Task[..., Coroutine[Any, Any, None]]:
    @opened.task(name="bench.noop", queue=QUEUE)
    async def noop(number: int, payload: str | None) -> None: ...

    return noop


async def _over_connections(
    server: Server,
    ground: Ground,
    text: str,
    params: Sequence[object],
    *,
    level: str,
    what: str,
    jobs: int,
    callers: int,
) -> Figure:
    @asynccontextmanager
    async def connected() -> AsyncIterator[Call]:
        opened = [await asyncpg.connect(ground.url) for _ in range(callers)]
        prepared = [await connection.prepare(text) for connection in opened]
        yield lambda number: prepared[number % callers].fetch(*params)
        for connection in opened:
            await connection.close()

    return await _timed(
        server, ground, connected(), jobs=jobs, callers=callers, level=level,
        name=f"enqueue_one.{level}.asyncpg.x{callers}", what=f"{what} in asyncpg, {callers} connection(s)",
    )  # fmt: skip


async def _timed(
    server: Server, ground: Ground, connected: AbstractAsyncContextManager[Call], *, jobs: int, callers: int, name: str,
    level: str, what: str, jobs_per_call: int = 1,
) -> Figure:  # fmt: skip
    """Make the calls; each caller makes the next one when its last has returned."""
    await ground.settle()
    there = await ground.value("select count(*) from job")
    before = await read_costs(ground, server.pid)
    async with connected as call:
        cpu, began = cpu_seconds(), time.monotonic()
        took = await asyncio.gather(
            *(_calls(call, range(first, jobs // jobs_per_call, callers)) for first in range(callers))
        )
        seconds, cpu = time.monotonic() - began, cpu_seconds() - cpu
    costs = await settled_costs(before, ground, server.pid)
    return Figure(
        name=name, level=level, what=what, jobs=jobs, seconds=seconds, costs=costs, worker_cpu_seconds=cpu,
        latency_ms=_latency_ms([one for calls in took for one in calls]), wrong=await written(ground, there + jobs),
    )  # fmt: skip


async def _calls(call: Call, numbers: range) -> list[int]:
    """Make one call after the other; gives the nanoseconds that each took."""
    took = []
    for number in numbers:
        began = time.monotonic_ns()
        await call(number)
        took.append(time.monotonic_ns() - began)
    return took


def _latency_ms(took_ns: list[int]) -> Mapping[str, float]:
    """Of fewer than a hundred calls, percentiles say nothing."""
    return milliseconds(percentiles(took_ns)) if len(took_ns) >= _CALLS_MIN else {}
