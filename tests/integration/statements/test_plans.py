"""Plans are behaviour: the hot statements read a few pages per job, however long the line, whatever the statistics say.

Each statement is prepared, as asyncpg does, and both kinds of plan it may get are run and read: the one made for its
parameters, and the generic one.
"""

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from dibs.storage import statements
from dibs.storage.connect import WORKER_SETTINGS
from dibs.storage.statement import Query
from support.engine import Engine

JOBS = 100
"""Handled in each statement."""

PAGES_PER_JOB_MAX = 16
PAGES_MAX = 100
"""Beside those for the jobs: catalogues, the roots of indexes, queues."""

PAGES_MAX_ALONE = {"workers/heartbeat": 20, "jobs/enqueue": 200}

FILL = """
insert into dibs.job (queue_id, priority, max_attempts, batch_id, task, args)
  select $2, 0, 3, nullif(n % 10, 0), 't', '{}' from generate_series(1, $1 * 8 / 5) n;
insert into dibs.ready select id, $2, 0, 0, 0 from dibs.job where id <= $1;
insert into dibs.lease select id, 0, 0, null, now(), 1, 0 from dibs.job where id > $1 and id <= $1 * 6 / 5;
insert into dibs.scheduled select id, now() - interval '1 day', 1, 0, 'retry'
  from dibs.job where id > $1 * 6 / 5 and id <= $1 * 7 / 5;
insert into dibs.done select id, 0, now(), now(), 1, 'f' from dibs.job where id > $1 * 7 / 5;
"""
TABLES = (
    "job",
    "ready",
    "lease",
    "scheduled",
    "done",
    "worker",
    "queue",
    "cancel_request",
    "batch_delta",
    "batch_watch",
)


class Explained:
    """What ran: how relations were read, and how many pages that took."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan

    def scans(self) -> Iterator[dict[str, Any]]:
        """Whatever reads a table, everywhere in the plan."""
        todo = [self._plan]
        while todo:
            node = todo.pop()
            todo += node.get("Plans", [])
            if "Relation Name" in node and node["Node Type"] != "ModifyTable":
                yield node

    def pages(self) -> int:
        """Pages read by all scans, one that was read twice counted twice."""
        return sum(node["Shared Hit Blocks"] + node["Shared Read Blocks"] for node in self.scans())

    def ways(self, table: str) -> set[str]:
        """How a table was read: by which index, by place (Tid Scan), or as a whole (Seq Scan)."""
        return {node.get("Index Name", node["Node Type"]) for node in self.scans() if node["Relation Name"] == table}


def literal(value: Any) -> str:
    """A parameter, written into SQL."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "'{" + ",".join("null" if item is None else json.dumps(item) for item in value) + "}'"
    return "'" + str(value) + "'"


class Tables:
    """Tables with so many rows, and a connection like a worker's that tells its plans."""

    def __init__(self, engine: Engine, rows: int, queue: int, worker: int) -> None:
        self.engine, self.rows, self.queue, self.worker = engine, rows, queue, worker

    async def explained(self, query: Query) -> Explained:
        """Run a prepared statement, read its plan, and undo it."""
        connection = self.engine.connection
        params = ", ".join(map(literal, query.params))
        await connection.execute(f"prepare p as {query.statement.text('dibs')}")
        transaction = connection.transaction()
        await transaction.start()
        told = await connection.fetchval(
            f"explain (analyze, buffers, format json) execute p{f'({params})' if params else ''}"
        )
        await transaction.rollback()
        await connection.execute("deallocate p")
        return Explained(json.loads(told)[0]["Plan"])


@pytest.fixture(params=["never analysed", "analysed while empty", "analysed"])
def statistics(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[0, 1_000, 100_000], ids=lambda rows: f"{rows} rows")
async def tables(request: pytest.FixtureRequest, database_url: str, statistics: str) -> AsyncIterator[Tables]:
    rows = request.param
    setup = Engine(await asyncpg.connect(database_url))
    queue, worker = await setup.queue(), await setup.register()
    if statistics == "analysed while empty":
        await setup.connection.execute(f"analyze {', '.join(f'dibs.{table}' for table in TABLES)}")
    async with setup.connection.transaction():
        for statement in filter(None, map(str.strip, FILL.split(";"))):
            filled = statement.replace("$1", str(rows)).replace("$2", str(queue))
            await setup.connection.execute(filled)
    if statistics == "analysed":
        await setup.connection.execute(f"analyze {', '.join(f'dibs.{table}' for table in TABLES)}")
    await setup.connection.close()
    connection = await asyncpg.connect(database_url, server_settings=WORKER_SETTINGS)
    yield Tables(Engine(connection), rows, queue, worker)
    await connection.close()


def endings(tables: Tables) -> list[int]:
    """Jobs that are leased."""
    return list(range(tables.rows + 1, tables.rows + 1 + min(JOBS, tables.rows // 5)))


async def test_statements_read_few_pages_by_their_index(tables: Tables):
    held = endings(tables)
    queue, worker, n = tables.queue, tables.worker, len(held)
    zeros, nulls, some_nulls = [0] * n, [None] * n, [None] * 10
    dead = [tables.rows * 7 // 5 + nth + 1 for nth in range(n)]
    first = list(range(1, n + 1))
    line, key = {"ready_in_claim_order", "Tid Scan"}, {"job_pkey"}
    runs: list[tuple[Query, dict[str, set[str]]]] = [
        (statements.JOBS_CLAIM(worker, [queue], [JOBS]), {"ready": line, "job": key}),
        (
            statements.JOBS_SUCCEED_AND_CLAIM(worker, held, zeros, [queue], [0], [1], [queue], [JOBS]),
            {
                "ready": line,
                "job": key,
                "lease": {"lease_pkey", "Tid Scan"},
            },
        ),
        (
            statements.JOBS_FINISH(held, zeros, ["s", "r", "f", "h"] * (n // 4), [5.0] * n, nulls, nulls, nulls),
            {
                "lease": {"lease_pkey", "Tid Scan"},
                "job": key,
            },
        ),
        (statements.JOBS_PROMOTE(JOBS), {"scheduled": {"scheduled_by_time", "Tid Scan"}, "job": key}),
        (
            statements.JOBS_CANCEL(first + held),
            {
                "ready": line,
                "scheduled": {"scheduled_pkey", "Tid Scan"},
                "job": key,
                "lease": {"lease_pkey"},
            },
        ),
        (statements.JOBS_RETRY(dead), {"done": {"done_pkey", "done_dead_letters", "Tid Scan"}, "job": key}),
        (statements.JOBS_REPORT_PROGRESS(held, zeros, zeros, nulls, nulls), {"lease": {"lease_pkey"}}),
        (
            statements.JOBS_ENQUEUE(["t"] * 10, ["{}"] * 10, ["default"] * 10, [0] * 10, [1] * 10, *([some_nulls] * 6)),
            {"ready": set(), "job": set()},
        ),
        (
            statements.WORKERS_HEARTBEAT(worker, True, 2.5),
            {
                "scheduled": {"scheduled_by_time"},
                "ready": {"ready_in_claim_order"},
                "lease": {"lease_pkey"},
            },
        ),
    ]
    for mode, (query, expected) in itertools.product(("custom", "generic"), runs):
        await tables.engine.connection.execute(f"set plan_cache_mode = force_{mode}_plan")
        seen, name = await tables.explained(query), query.statement.name
        for table, ways in expected.items():
            assert seen.ways(table) <= ways, (name, mode, table)
        pages_max = PAGES_MAX_ALONE.get(name, PAGES_MAX + PAGES_PER_JOB_MAX * JOBS)
        assert seen.pages() <= pages_max, (name, mode)
