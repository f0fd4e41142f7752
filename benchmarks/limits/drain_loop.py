"""L3: dibs' own statements in a bare asyncpg loop: binary, prepared, nothing run, nothing decoded."""

import asyncio
import time

import asyncpg

from benchmarks.costs import cpu_seconds, read_costs, settled_costs
from benchmarks.ground import SCHEMA, Ground
from benchmarks.limits.figure import Figure
from benchmarks.limits.lines import Held, Line, drained, fill
from benchmarks.limits.steps import next_query
from benchmarks.servers import Server
from dibs.storage.connect import WORKER_SETTINGS


async def measure(server: Server, ground: Ground, *, jobs: int, batch: int, connections: int = 1) -> Figure:
    """Drain *jobs* jobs, *batch* at a time; with more connections than one, one records while another claims."""
    line = await fill(ground, jobs, payload_bytes=200)
    opened = [await asyncpg.connect(ground.url, server_settings=WORKER_SETTINGS) for _ in range(connections)]
    before = await read_costs(ground, server.pid)
    cpu = cpu_seconds()
    began = time.monotonic()
    await asyncio.gather(*(_drain(connection, line, batch) for connection in opened))
    seconds = time.monotonic() - began
    cpu = cpu_seconds() - cpu
    for connection in opened:
        await connection.close()
    costs = await settled_costs(before, ground, server.pid)
    return Figure(
        name=f"drain.L3.{batch}" + (f".x{connections}" if connections > 1 else ""), level="L3",
        what=f"succeed_and_claim in a bare asyncpg loop, {batch} at a time"
        + (f", {connections} connections" if connections > 1 else ""),
        jobs=jobs, seconds=seconds, costs=costs, worker_cpu_seconds=cpu, wrong=await drained(ground),
    )  # fmt: skip


async def _drain(connection: asyncpg.Connection, line: Line, batch: int) -> None:
    floor, held = line.ids[0], list[Held]()
    text = next_query(line, held, floor=floor, limit=batch).statement.text(SCHEMA)
    statement = await connection.prepare(text)
    while True:
        query = next_query(line, held, floor=floor, limit=batch)
        rows = await statement.fetch(*query.params)
        held = [Held(row["job_id"], row["token"]) for row in rows if row["job_id"] is not None]
        if not held:
            return
        floor = max(job.id for job in held) + 1
