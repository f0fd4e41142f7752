"""L2 of enqueueing: dibs' own statement, driven by pgbench."""

from benchmarks.costs import read_costs, settled_costs
from benchmarks.ground import SCHEMA, Ground
from benchmarks.limits.figure import Figure
from benchmarks.limits.lines import enqueue_one, new_job, written
from benchmarks.limits.literals import execute, literal, prepare
from benchmarks.limits.pgbench import run
from benchmarks.limits.steps import enqueue_query
from benchmarks.servers import Server


async def measure(server: Server, ground: Ground, *, jobs: int, rows: int, clients: int, payload_bytes: int) -> Figure:
    """Enqueue *jobs* jobs, *rows* in a statement, over *clients* connections."""
    await enqueue_one(ground, payload_bytes=payload_bytes)  # so that the queue is there
    await ground.settle()
    query = enqueue_query([new_job(number, payload_bytes=payload_bytes) for number in range(rows)])
    before = await read_costs(ground, server.pid)
    ran = await run(
        server.bin / "pgbench", ground.url, once=[prepare("enqueue", query, SCHEMA)],
        each=[execute("enqueue", [literal(param) for param in query.params])],
        clients=clients, transactions=jobs // rows // clients,
    )  # fmt: skip
    costs = await settled_costs(before, ground, server.pid)
    return Figure(
        name=f"enqueue_one.L2.x{clients}" if rows == 1 else f"enqueue_many.L2.{rows}", level="L2",
        what=f"enqueue by pgbench, {rows} job(s) a statement, {clients} connection(s)", jobs=jobs,
        seconds=ran.seconds, costs=costs, latency_ms={"mean": ran.latency_ms}, wrong=await written(ground, jobs + 1),
    )  # fmt: skip
