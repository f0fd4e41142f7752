"""A guard that can not fail guards nothing: statements that were spoilt on purpose are found out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import asyncpg
import pytest

from dibs.storage.connect import WORKER_SETTINGS
from dibs.storage.statement import Statement
from support.filled import LEAVE_UNANALYSED, Filling
from support.hot_statements import of_workers
from support.plans import Guard, complaints

Connect = Callable[..., Awaitable[asyncpg.Connection]]
FILLING = Filling(20_000)


@dataclass(frozen=True, kw_only=True)
class Spoilt:
    """A statement, what is changed in its text or in the database, and what the guard says to it."""

    name: str
    changes: dict[str, str] = field(default_factory=dict)
    before: str = "select"
    said: str

    def guard(self) -> Guard:
        """The guard, with the spoilt statement."""
        guard = next(guard for guard in of_workers(FILLING) if guard.query.statement.name == self.name)
        template = guard.query.statement.template
        for old, new in self.changes.items():
            assert old in template, "the statement has changed: spoil it in another way"
            template = template.replace(old, new)
        return replace(guard, query=replace(guard.query, statement=Statement(self.name, template)))


SPOILT = {
    "a join in place of places": Spoilt(
        name="jobs/claim",
        changes={
            "select ctid as place": "select ctid as place, job_id",
            "select r.place": "select r.job_id",
            "where ctid = any(array(select place from picked))": "r using picked p where r.job_id = p.job_id",
            "returning job_id": "returning r.job_id",
        },
        said="at most",
    ),
    "no limit to the look along the line": Spoilt(
        name="jobs/claim",
        changes={"order by priority desc, job_id\n    limit q.n": "order by priority desc, job_id"},
        said="pages for 100 jobs",
    ),
    "another order than that of the index": Spoilt(
        name="jobs/claim",
        changes={
            "order by priority desc, job_id\n    limit q.n": "order by attempt, priority desc, job_id\n    limit q.n"
        },
        said="rows of ready, at most",
    ),
    "a condition that the index does not know": Spoilt(
        name="jobs/succeed_and_claim",
        changes={"and priority = f.priority": "and priority + 0 = f.priority"},
        said="rows of ready, at most",
    ),
    "a loop over all leases": Spoilt(
        name="jobs/finish",
        changes={
            "lease where job_id = e.job_id and token": "lease where job_id + 0 = e.job_id and token",
        },
        said="rows of lease, at most",
    ),
    "no index for the line": Spoilt(
        name="jobs/claim", before="drop index dibs.ready_in_claim_order", said="ready was read by"
    ),
    "no index for the leases": Spoilt(
        name="jobs/finish", before="alter table dibs.lease drop constraint lease_pkey", said="lease was read by"
    ),
    "no index for what is due": Spoilt(
        name="workers/heartbeat", before="drop index dibs.scheduled_by_time", said="scheduled was read by"
    ),
    "a server that does not go by place": Spoilt(
        name="jobs/promote",
        before="set enable_tidscan = off; set enable_seqscan = on",
        said="Tid Scans where 1 were meant",
    ),
}


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
async def test_a_spoilt_statement_is_found_out(database_url: str, connect: Connect, spoilt: Spoilt):
    worker = await connect(database_url, WORKER_SETTINGS)
    for sql in (LEAVE_UNANALYSED, FILLING.sql(), spoilt.before):
        await worker.execute(sql)
    found = await complaints(worker, [spoilt.guard()])
    for mode in ("custom", "generic"):
        assert any(spoilt.said in said for said in found if mode in said), "\n".join(found)
