"""L1: the rows that a drained job touches, deleted and inserted with no queue logic: no locks, no joins, no choice."""

from collections.abc import Mapping
from typing import Any

from benchmarks.costs import read_costs, settled_costs
from benchmarks.ground import SCHEMA, Ground, places
from benchmarks.limits.figure import Figure
from benchmarks.limits.lines import Line, drained, fill
from benchmarks.limits.literals import literal
from benchmarks.limits.pgbench import run
from benchmarks.servers import Server
from dibs.engine.claim import claim, succeed_and_claim
from dibs.storage.sessions.on_asyncpg import OnAsyncpg


async def measure(server: Server, ground: Ground, *, jobs: int, batch: int) -> Figure:
    """Move *jobs* jobs from line to lease to done by ranges of ids, *batch* at a time, over one connection."""
    line = await fill(ground, jobs + 1, payload_bytes=200)
    lease, done = await _run_one(ground, line)
    before = await read_costs(ground, server.pid)
    ran = await run(
        server.bin / "pgbench", ground.url, once=[f"prepare move(bigint) as {_move(line, batch, lease, done)};"],
        each=["execute move(:next);", f"\\set next :next + {batch}"], clients=1, transactions=jobs // batch + 1,
        variables={"next": line.ids[1]},
    )  # fmt: skip
    costs = await settled_costs(before, ground, server.pid)
    return Figure(
        name=f"drain.L1.{batch}", level="L1", what=f"the rows of a drained job, {batch} at a time",
        jobs=jobs, seconds=ran.seconds, costs=costs, wrong=await drained(ground),
    )  # fmt: skip


async def _run_one(ground: Ground, line: Line) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Claim and finish the first job with dibs' own statements; gives its lease and its record."""
    session = OnAsyncpg(ground.db, SCHEMA)
    (job,) = await session.run(claim(line.worker_id, {line.queue_id: 1}))
    lease = (await places(ground, job.id))["lease"]
    await session.run(succeed_and_claim(line.worker_id, [job], [], {}))
    return lease, (await places(ground, job.id))["done"]


def _move(line: Line, batch: int, lease: Mapping[str, Any], done: Mapping[str, Any]) -> str:
    """Move the batch that begins at $1, and end the one before; the last one finds nothing in line."""
    last = line.ids[-1]
    taken, ended = f"between $1 and least($1 + {batch - 1}, {last})", f"between $1 - {batch} and $1 - 1"
    return f"""with claimed as (
  delete from {SCHEMA}.ready where queue_id = {line.queue_id} and priority = 0 and job_id {taken}
), leased as (
  insert into {SCHEMA}.lease {_insert(lease, f"$1, least($1 + {batch - 1}, {last})")}
), released as (
  delete from {SCHEMA}.lease where job_id {ended}
)
insert into {SCHEMA}.done {_insert(done, f"greatest($1 - {batch}, {line.ids[1]}), least($1 - 1, {last})")}"""


def _insert(row: Mapping[str, Any], bounds: str) -> str:
    values = ", ".join(literal(value) for value in row.values())
    return f"(job_id, {', '.join(row)}) select n, {values} from generate_series({bounds}) n"
