"""A fresh database with dibs' tables, and jobs by the million in it.

Enqueueing ten million jobs takes minutes, so all but one are written by SQL. What is written is never guessed: one job
is enqueued (and run) as anybody would do it, and then copied, row by row, in every table that has rows of it. So the
shape is right by construction, today and after the tables have changed.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from dibs import Dibs
from dibs.bench.places import FreshDatabase
from dibs.storage.statement import quote

SCHEMA: Final = "dibs"
CHUNK_ROWS: Final = 1_000_000
"""Rows copied in one statement: progress shows, and checkpoints come in between."""

Connection = asyncpg.Connection


@dataclass(frozen=True, slots=True)
class Ground:
    """A database of its own, and a connection to look into it."""

    url: str
    db: Connection

    async def settle(self) -> None:
        """As after a quiet night: rows vacuumed and counted, pages written out."""
        await self.db.execute("vacuum (analyze)")
        await self.db.execute("checkpoint")

    async def value(self, sql: str, *params: Any) -> Any:
        """The one value of a query."""
        return await self.db.fetchval(sql, *params)


@asynccontextmanager
async def fresh(server_url: str, name: str) -> AsyncIterator[Ground]:
    """A new database *name* with dibs' tables; dropped at the end, with whatever is still connected to it."""
    place = FreshDatabase(server_url, name=name)
    try:
        url = await place.reset()
        app = Dibs(url)
        await app.migrate()
        await app.close()
        db = await asyncpg.connect(url, server_settings={"search_path": SCHEMA, "statement_timeout": "0"})
        try:
            yield Ground(url, db)
        finally:
            await db.close()
    finally:
        await place.drop()


async def copy_job(ground: Ground, job_id: int, count: int, *, run_at: str | None = None) -> range:
    """Write *count* copies of a job, wherever it stands, and give their ids.

    The copies' numbers (the task's argument `number`) go on from the job's own. *run_at* is an SQL expression over the
    number `n` (0 for the first copy): when a copy of a scheduled job is due.
    """
    number = await _number(ground, job_id)
    first = 1 + await ground.value("select max(id) from job")
    for start in range(0, count, CHUNK_ROWS):
        size = min(CHUNK_ROWS, count - start)
        for table, key in await _tables_of_jobs(ground):
            changed = {key: f"{first + start} + n"}
            if table == "job":
                changed["args"] = (
                    f"replace(args::text, '\"number\":{number}', '\"number\":' || {number + 1 + start} + n)"
                )
            if table == "scheduled" and run_at is not None:
                changed["run_at"] = run_at.replace("$start", str(start))
            await _copy_rows(ground, (table, key, job_id), size, changed)
    await ground.value("select setval('job_id', $1)", first + count - 1)
    ids = range(first, first + count)
    await _check_copies(ground, job_id, ids)
    return ids


async def places(ground: Ground, job_id: int) -> Mapping[str, dict[str, Any]]:
    """The rows of a job by table, without its id: where and how it stands."""
    found = {}
    for table, key in await _tables_of_jobs(ground):
        row = await ground.db.fetchrow(f"select * from {table} where {key} = $1", job_id)
        if row is not None:
            found[table] = {name: value for name, value in row.items() if name != key}
    return found


async def _number(ground: Ground, job_id: int) -> int:
    number = await ground.value("select args ->> 'number' from job where id = $1", job_id)
    if number is None:
        raise ValueError(f"job {job_id} has no argument 'number', by which its executions could be counted")
    return int(number)


async def _tables_of_jobs(ground: Ground) -> list[tuple[str, str]]:
    """Every table with rows of jobs, and the column that names the job."""
    rows = await ground.db.fetch(
        "select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        "   and not a.attisdropped and (a.attname = 'job_id' or (c.relname = 'job' and a.attname = 'id'))"
        " order by c.relname",
        SCHEMA,
    )
    return [(row[0], row[1]) for row in rows]


async def _copy_rows(ground: Ground, original: tuple[str, str, int], size: int, changed: Mapping[str, str]) -> None:
    """Copy the *original* (table, column of the job's id, job's id), with SQL for what is *changed*."""
    table, key, job_id = original
    columns = await ground.db.fetch(
        "select attname, format_type(atttypid, atttypmod) as type from pg_attribute"
        " where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = ''",
        f"{SCHEMA}.{table}",
    )
    names = ", ".join(quote(column["attname"]) for column in columns)
    values = ", ".join(
        f"({changed[column['attname']]})::{column['type']}"
        if column["attname"] in changed
        else quote(column["attname"])
        for column in columns
    )
    await ground.db.execute(
        f"insert into {table} ({names}) select {values} from {table}, generate_series(0, {size - 1}) as n"
        f" where {quote(key)} = {job_id}"
    )


async def _check_copies(ground: Ground, job_id: int, ids: range) -> None:
    """The last copy stands where the original does, and no row differs but in what was meant to."""
    if not ids:
        return
    original, copy = await places(ground, job_id), await places(ground, ids[-1])
    for differs in ("args", "run_at"):
        for rows in (original, copy):
            for row in rows.values():
                row.pop(differs, None)
    if original != copy:
        raise AssertionError(f"a copied job is not like the enqueued one: {original} and {copy}")
