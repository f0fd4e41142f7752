"""Fifty worker processes have nothing to do."""

import asyncio
from contextlib import AsyncExitStack

from benchmarks.bad_days.day import Day, Site
from benchmarks.costs import read_costs
from benchmarks.crew.crew import Crew
from benchmarks.ground import Ground, fresh
from dibs.bench.result import Costs, spent

WORKERS = 50
SECONDS = 20.0
START_SECONDS_MAX = 180.0
LATE_SECONDS = 12.0
"""A session that rests tells what it did up to ten seconds late; what a start takes is not counted."""


async def measure(site: Site) -> Day:
    """Let them fall asleep, then watch the server for a while."""
    workers = max(2, round(WORKERS * min(site.scale, 1.0)))
    seconds = max(3.0, SECONDS * min(site.scale, 1.0))
    async with (
        fresh(site.server.dsn, "bench_idle") as ground,
        Crew.on(ground.url, jobs=1) as crew,
        AsyncExitStack() as stack,
    ):
        started = [await stack.enter_async_context(crew.worker()) for _ in range(workers)]
        await _all_asleep(ground, workers)
        before = await read_costs(ground, site.server.pid)
        used = sum(worker.cpu_seconds() for worker in started)
        await asyncio.sleep(seconds)
        after = await read_costs(ground, site.server.pid)
        used = sum(worker.cpu_seconds() for worker in started) - used
        memory = [worker.rss_bytes() for worker in started]
    costs, period = Costs(**spent(before, after)), after.seconds - before.seconds
    if costs.transactions is None or costs.server_cpu_seconds is None:
        raise ValueError("what the server did meanwhile can not be read from here")
    statements = costs.transactions
    return Day(
        name="idle_workers",
        what=f"{workers} worker processes without a job for {seconds:g} s",
        figures={
            "statements_per_second": round(statements / period, 2),
            "statements_per_second_and_worker": round(statements / period / workers, 3),
            "server_cpu_percent_of_a_core": round(costs.server_cpu_seconds / period * 100, 2),
            "worker_cpu_percent_of_a_core_each": round(used / period / workers * 100, 3),
            "worker_rss_mb_each": round(sum(memory) / workers / 1e6, 1),
        },
    )  # fmt: skip


async def _all_asleep(ground: Ground, workers: int) -> None:
    async with asyncio.timeout(START_SECONDS_MAX):
        while await ground.value("select count(*) from worker where asleep") < workers:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.2)
    await asyncio.sleep(LATE_SECONDS)
