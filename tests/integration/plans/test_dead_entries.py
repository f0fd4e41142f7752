"""An old snapshot keeps vacuum from removing dead entries: those at the head of the line must cost a worker nothing.

A report, a dump or a forgotten psql holds such a snapshot. A claim from the head wades through everything that was
claimed since, so a worker begins at its floor.
"""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from dibs.storage.connect import WORKER_SETTINGS
from support.filled import MILLION, Filling
from support.hot_statements import claims_from, of_applications, of_workers
from support.plans import Guard, complaints

DEAD = 200_000
FILLING = Filling(MILLION)

PASS_BY = f"""
delete from dibs.ready where job_id <= {DEAD};
insert into dibs.lease (job_id, token, worker_id, leased_at, attempt, lost)
  select n, n / 100, 2, now(), 1, 0 from generate_series(1, {DEAD}) n;
"""
END = f"""
delete from dibs.lease where job_id <= {DEAD};
insert into dibs.done (job_id, worker_id, started_at, finished_at, attempt, outcome)
  select n, 2, now(), now(), 1, 's' from generate_series(1, {DEAD}) n;
"""


@pytest.fixture
async def worker(million_url: str, connect: Callable[..., Awaitable[asyncpg.Connection]]) -> asyncpg.Connection:
    """A worker's connection, after many jobs went by under an old snapshot that is still held."""
    report, worker = await connect(million_url), await connect(million_url, WORKER_SETTINGS)
    await report.execute("begin isolation level repeatable read")
    await report.execute("select from dibs.queue")
    await worker.execute(PASS_BY)
    await worker.execute(END)
    await worker.execute("vacuum dibs.ready")
    await worker.execute("vacuum dibs.lease")
    return worker


async def test_a_claim_from_the_floor_costs_what_it_costs_without_dead_entries(worker: asyncpg.Connection):
    found = await complaints(worker, claims_from(FILLING, floor=DEAD + 1))
    assert not found, "\n".join(found)


async def test_no_other_statement_that_travels_with_jobs_meets_them(worker: asyncpg.Connection):
    found = await complaints(
        worker, [guard for guard in of_workers(FILLING) if "claim" not in guard.query.statement.name]
    )
    found += await complaints(
        worker, [guard for guard in of_applications(FILLING) if "enqueue" in guard.query.statement.name]
    )
    assert not found, "\n".join(found)


async def test_without_its_floor_a_claim_wades_through_them(worker: asyncpg.Connection):
    """This is what the floor is for, and that the guard would tell."""
    from_the_head: list[Guard] = claims_from(FILLING, floor=1)[:2]
    found = await complaints(worker, from_the_head)
    assert len([said for said in found if " pages for " in said]) == 4
