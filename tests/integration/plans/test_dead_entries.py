"""An old snapshot keeps vacuum from removing dead entries: those at the head of the line must cost a worker nothing.

A report, a dump or a forgotten psql holds such a snapshot. A claim from the head wades through everything that was
claimed since, so a worker begins at its floor.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import psycopg
import pytest

from dibs.storage.connect import WORKER_SETTINGS
from support.filled import MILLION, Filling, clone
from support.hot_statements import claims_from, heartbeat_since, of_applications, of_workers, promotion_since
from support.plans import complaints
from support.postgres import TestServer

DEAD = 200_000
FILLING = Filling(MILLION)

FROM_HEADS = {"jobs/claim", "jobs/succeed_and_claim", "jobs/promote", "workers/heartbeat"}
"""What may begin at the head of the line or of the schedule, and does so for a small share of the time."""

PASS_BY = f"""
delete from dibs.ready where job_id <= {DEAD};
insert into dibs.lease (job_id, token, worker_id, leased_at, attempt, lost)
  select n, n / 100, 2, now(), 1, 0 from generate_series(1, {DEAD}) n;
insert into dibs.scheduled (job_id, run_at, attempt, lost, reason)
  select -n, now() - interval '2 days', 0, 0, 'delay' from generate_series(1, {DEAD}) n;
"""
END = f"""
delete from dibs.lease where job_id <= {DEAD};
delete from dibs.scheduled where job_id < 0;
insert into dibs.done (job_id, worker_id, started_at, finished_at, attempt, outcome)
  select n, 2, now(), now(), 1, 's' from generate_series(1, {DEAD}) n;
"""


@pytest.fixture(scope="module")
def passed_by_url(database_server: TestServer, million_template: str) -> Iterator[str]:
    """A database in which many jobs went by under an old snapshot that is still held."""
    with clone(database_server, million_template) as url, psycopg.connect(url) as report:
        report.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        report.execute("select from dibs.queue")
        with psycopg.connect(url, autocommit=True) as others:
            for sql in (PASS_BY, END, "vacuum dibs.ready", "vacuum dibs.lease", "vacuum dibs.scheduled"):
                others.execute(sql)
        yield url


@pytest.fixture
async def worker(passed_by_url: str, connect: Callable[..., Awaitable[asyncpg.Connection]]) -> asyncpg.Connection:
    """A worker's connection to it; what a guard tries is rolled back."""
    return await connect(passed_by_url, WORKER_SETTINGS)


async def test_a_claim_from_the_floor_costs_what_it_costs_without_dead_entries(worker: asyncpg.Connection):
    found = await complaints(worker, claims_from(FILLING, floor=DEAD + 1))
    assert not found, "\n".join(found)


async def test_a_promotion_and_a_heartbeat_from_where_the_last_one_ended_cost_the_same(worker: asyncpg.Connection):
    since = datetime.now(UTC) - timedelta(days=1.5)
    found = await complaints(worker, [promotion_since(since), heartbeat_since(FILLING, since)])
    assert not found, "\n".join(found)


async def test_no_other_statement_that_travels_with_jobs_meets_them(worker: asyncpg.Connection):
    found = await complaints(
        worker, [guard for guard in of_workers(FILLING) if guard.query.statement.name not in FROM_HEADS]
    )
    found += await complaints(
        worker, [guard for guard in of_applications(FILLING) if "enqueue" in guard.query.statement.name]
    )
    assert not found, "\n".join(found)


async def test_from_the_head_they_are_waded_through(worker: asyncpg.Connection):
    """This is what floors are for, and that the guards would tell: with custom and with generic plans."""
    from_the_head = [*claims_from(FILLING, floor=1)[:2], promotion_since(None), heartbeat_since(FILLING, None)]
    found = await complaints(worker, from_the_head)
    assert len([said for said in found if " pages for " in said]) == 2 * len(from_the_head)
