"""A backup runs: pg_dump reads everything, again and again, while jobs pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.bad_days.day import Day, Site
from benchmarks.bad_days.finished import with_history
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import drain
from benchmarks.ground import Ground, copy_job, fresh
from benchmarks.servers import Server

HISTORY = 1_000_000
JOBS = 200_000


async def measure(site: Site) -> Day:
    """Dump a database with a history while its line is drained."""
    history, jobs = site.size(HISTORY), site.size(JOBS)
    async with fresh(site.server.dsn, "bench_dump") as ground, Crew.on(ground.url, jobs=history + jobs) as crew:
        await with_history(ground, crew, history)
        first = await crew.enqueue_one(number=history)
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        async with _dumping(site.server, ground) as dumps:
            drained = await drain(ground, crew, range(first, first + jobs))
    return Day(
        name="pg_dump",
        what=f"pg_dump runs all the while (on the same cores) over {history:,} finished jobs; {jobs:,} are drained",
        rate=drained.steady_rate, figures={"dumps_finished": len(dumps)}, counts=drained.counts,
        wrong=drained.wrong or _failed(dumps),
    )  # fmt: skip


@asynccontextmanager
async def _dumping(server: Server, ground: Ground) -> AsyncIterator[list[int]]:
    """Dump to nowhere, over and over; gives the exit codes of the dumps that came to their end."""
    codes: list[int] = []
    running: list[asyncio.subprocess.Process] = []

    async def dump() -> None:
        while True:
            command = [str(server.bin / "pg_dump"), "--format=plain", "--file=/dev/null", ground.url]
            running[:] = [await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)]
            codes.append(await running[0].wait())

    task = asyncio.create_task(dump())
    try:
        yield codes
    finally:
        task.cancel()
        await asyncio.wait([task])
        for process in running:
            if process.returncode is None:
                process.terminate()
                await process.wait()


def _failed(codes: list[int]) -> str | None:
    return "a dump failed" if any(codes) else None
