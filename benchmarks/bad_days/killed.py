"""A worker is killed every five seconds, and another one started in its place."""

import asyncio
import time

from benchmarks.bad_days.day import Day, Site
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import ended, examine
from benchmarks.ground import Ground, copy_job, fresh

LIFE_SECONDS = 5.0
JOBS = 1_000_000
REST_SECONDS_MAX = 120.0


async def measure(site: Site) -> Day:
    """Drain in lives of five seconds; then one more worker ends what the last one left."""
    jobs = site.size(JOBS)
    async with fresh(site.server.dsn, "bench_killed") as ground, Crew.on(ground.url, jobs=jobs) as crew:
        first = await crew.enqueue_one()
        ids = range(first, first + jobs)
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        began = time.monotonic()
        kills = await _kill_again_and_again(ground, crew, ids)
        async with crew.worker():
            await _all_ended(ground)
            seconds = time.monotonic() - began
        counted = await examine(ground, crew, ids)
        lost_attempts = await ground.value("select count(*) from attempt_error")
    return Day(
        name="worker_killed",
        what=f"{jobs:,} jobs; the one worker is killed by SIGKILL every {LIFE_SECONDS:g} s and another one started; "
        "the rate includes their starts, and the rescue of what the last one left",
        rate=jobs / seconds, window="whole", figures={"kills": kills, "lost_attempts": lost_attempts},
        counts=counted.counts, wrong=counted.wrong,
    )  # fmt: skip


async def _kill_again_and_again(ground: Ground, crew: Crew, ids: range) -> int:
    kills = 0
    draining = asyncio.create_task(ended(ground, crew, ids))
    while not draining.done():
        async with crew.worker() as worker:
            await asyncio.wait([draining], timeout=LIFE_SECONDS)
            if not draining.done():
                worker.process.kill()
                kills += 1
    await draining
    return kills


async def _all_ended(ground: Ground) -> None:
    """Wait until nothing waits any more: what the killed worker held has been rescued and run."""
    waiting = "select (select count(*) from ready) + (select count(*) from lease) + (select count(*) from scheduled)"
    async with asyncio.timeout(REST_SECONDS_MAX):
        while await ground.value(waiting):  # noqa: ASYNC110 - a row that goes sends no event
            await asyncio.sleep(0.2)
