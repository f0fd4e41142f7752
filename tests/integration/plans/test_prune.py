"""A piece of pruning reads a few pages for each job it looks at, and nothing of what must stay."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import asyncpg
import psycopg
import pytest

from dibs.engine.prune import PRUNE_ROWS
from dibs.storage import statements
from dibs.storage.connect import WORKER_SETTINGS
from support.filled import ANALYSE, FORGET_ANALYSIS, LEAVE_UNANALYSED, MILLION, Filling, clone
from support.plans import Guard, complaints
from support.postgres import TestServer

Connect = Callable[..., Awaitable[asyncpg.Connection]]

KNOWLEDGE = {"never analysed": FORGET_ANALYSIS, "analysed while empty": "select", "analysed": ANALYSE}
knowing = pytest.mark.parametrize("knowledge", KNOWLEDGE.values(), ids=KNOWLEDGE)
HOLDER = 1

# Half of the endings are successes, in batches of a few jobs that go as a whole; the other half are dead letters, all
# in one batch.
END = """
update dibs.pruner set holder = 1;
update dibs.done set outcome = 's' where job_id % 2 = 0;
insert into dibs.batch (id, name, total, created_at) select distinct 5000000 + job_id / 10, 'few', 5, now()
  from dibs.done union all select 4999999, 'many', 100000, now();
update dibs.job set batch_id = case when id % 2 = 0 then 5000000 + id / 10 else 4999999 end
  where id in (select job_id from dibs.done);
insert into dibs.batch_delta select id, 1, 1, 1 from dibs.batch;
insert into dibs.attempt_error (job_id, attempt, occurred_at, error_type, message)
  select job_id, 1, now(), 'ValueError', 'no' from dibs.done;
insert into dibs.progress select job_id, 1, 2, 'half', now() from dibs.done on conflict do nothing;
"""


def guards(filling: Filling) -> list[Guard]:
    """Walks on which all is due, and on which nothing is.

    PostgreSQL 15 and 16 go down an index once for each id, and read 23 pages for a job; later versions read 13.
    """
    past, future = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
    first = filling.failed(1)[0] - 1 if filling.others else 0
    tables = {
        "done": {"done_pkey", "done_dead_letters", "Tid Scan"},
        "job": {"job_pkey", "job_by_batch"},
        "attempt_error": {"attempt_error_by_job", "attempt_error_pkey"},
        "progress": {"progress_pkey"},
        "cancel_request": {"cancel_request_pkey"},
        "batch": {"batch_pkey"},
        "batch_delta": {"batch_delta_by_batch"},
    }
    return [
        Guard(
            query=statements.JOBS_PRUNE(HOLDER, dead_letters, behind, PRUNE_ROWS, before, 60.0),
            jobs=PRUNE_ROWS,
            pages_per_job=pages,
            ways=tables,
        )
        for before, pages in ((past, 2), (future, 24))
        for dead_letters in (False, True)
        for behind in (0, first)
    ]


@pytest.fixture(scope="module")
def ended_template(database_server: TestServer, million_template: str) -> Iterator[str]:
    """The name of a database with all that is to be pruned: to clone it is faster than to end jobs again."""
    with clone(database_server, million_template) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(END)
        yield urlsplit(url).path.lstrip("/")


@pytest.fixture
def ended_url(database_server: TestServer, ended_template: str) -> Iterator[str]:
    """A database like it."""
    with clone(database_server, ended_template) as url:
        yield url


@knowing
async def test_with_a_million_jobs(ended_url: str, connect: Connect, knowledge: str):
    await (await connect(ended_url)).execute(knowledge)
    found = await complaints(await connect(ended_url, WORKER_SETTINGS), guards(Filling(MILLION)))
    assert not found, "\n".join(found)


@knowing
@pytest.mark.parametrize("rows", [0, 1_000])
async def test_with_short_tables(database_url: str, connect: Connect, knowledge: str, rows: int):
    setup = await connect(database_url)
    for sql in (LEAVE_UNANALYSED, ANALYSE, Filling(rows).sql(), END, knowledge):
        await setup.execute(sql)
    found = await complaints(await connect(database_url, WORKER_SETTINGS), guards(Filling(rows)))
    assert not found, "\n".join(found)
