"""L1 of enqueueing: the same rows, by bare COPY and by bare one-row INSERTs with a commit each."""

import time
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from benchmarks.costs import costs_since, read_costs, settled_costs
from benchmarks.ground import SCHEMA, Ground, copy_job, places
from benchmarks.limits.figure import Figure
from benchmarks.limits.lines import enqueue_one, written
from benchmarks.limits.literals import literal
from benchmarks.limits.pgbench import run
from benchmarks.servers import Server

TABLES = ("job", "ready")


async def copy(server: Server, ground: Ground, *, jobs: int, batch: int, payload_bytes: int) -> Figure:
    """Copy the rows of *jobs* enqueued jobs back in, in COPY's binary format, *batch* rows a transaction."""
    first = await enqueue_one(ground, payload_bytes=payload_bytes)
    await copy_job(ground, first, jobs - 1)
    parts = [await _copy_out(ground, start, batch) for start in range(first, first + jobs, batch)]
    await ground.db.execute(f"truncate {', '.join(TABLES)}")
    await ground.settle()
    before = await read_costs(ground, server.pid)
    began = time.monotonic()
    for part in parts:
        async with ground.db.transaction():
            for table, rows in part.items():
                await ground.db.copy_to_table(table, schema_name=SCHEMA, source=BytesIO(rows), format="binary")
    seconds = time.monotonic() - began
    costs = await costs_since(before, ground, server.pid)
    return Figure(
        name=f"enqueue_bulk.L1.{payload_bytes}", level="L1",
        what=f"bare COPY of the same rows, {batch} of {payload_bytes} B a transaction",
        jobs=jobs, seconds=seconds, costs=costs, wrong=await written(ground, jobs),
    )  # fmt: skip


async def insert(server: Server, ground: Ground, *, jobs: int, clients: int, payload_bytes: int) -> Figure:
    """Insert the rows of one job and commit, by pgbench, over *clients* connections."""
    first = await enqueue_one(ground, payload_bytes=payload_bytes)
    one = insert_statement(await places(ground, first))
    await ground.db.execute(f"truncate {', '.join(TABLES)}")
    await ground.settle()
    before = await read_costs(ground, server.pid)
    ran = await run(
        server.bin / "pgbench", ground.url, once=[f"prepare one as {one};"], each=["execute one;"],
        clients=clients, transactions=jobs // clients,
    )  # fmt: skip
    costs = await settled_costs(before, ground, server.pid)
    return Figure(
        name=f"enqueue_one.L1.x{clients}", level="L1",
        what=f"bare INSERT of the rows of one job and commit, by pgbench, {clients} connection(s)",
        jobs=jobs, seconds=ran.seconds, costs=costs, latency_ms={"mean": ran.latency_ms},
        wrong=await written(ground, jobs),
    )  # fmt: skip


def insert_statement(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """One statement that inserts the rows of one job, under a new id."""
    job, ready = rows["job"], rows["ready"]
    return (
        f"with written as (insert into {SCHEMA}.job ({', '.join(job)}) values ({_values(job)}) returning id)"
        f" insert into {SCHEMA}.ready (job_id, {', '.join(ready)}) select id, {_values(ready)} from written"
    )


def _values(row: Mapping[str, Any]) -> str:
    return ", ".join(literal(value) for value in row.values())


async def _copy_out(ground: Ground, start: int, batch: int) -> dict[str, bytes]:
    part = {}
    for table in TABLES:
        key = "id" if table == "job" else "job_id"
        rows = BytesIO()
        await ground.db.copy_from_query(
            f"select * from {table} where {key} >= $1 and {key} < $2 order by {key}", start, start + batch,
            output=rows, format="binary",
        )  # fmt: skip
        part[table] = rows.getvalue()
    return part
