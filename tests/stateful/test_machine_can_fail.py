"""A machine that can not fail proves nothing: statements that were spoilt on purpose are found out."""

from dataclasses import dataclass

import pytest

from dibs.storage import statements
from dibs.storage.statement import Statement
from stateful.machine import HISTORIES, UNTIL_FAILURE, run_histories
from stateful.world import open_world

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Spoilt:
    """A statement, what is changed in its text, and what the machine says to it."""

    statement: Statement
    old: str
    new: str
    said: str

    def spoilt(self) -> dict[str, Statement]:
        """The statement, changed."""
        template = self.statement.template
        assert self.old in template, "the statement has changed: spoil it in another way"
        return {self.statement.name: Statement(self.statement.name, template.replace(self.old, self.new))}


SPOILT = {
    "an outcome that needs no token": Spoilt(
        statements.JOBS_FINISH,
        old="where job_id = e.job_id and token = e.token",
        new="where job_id = e.job_id",
        said="outcomes without their lease, and none else, are refused",
    ),
    "a success that needs no token": Spoilt(
        statements.JOBS_SUCCEED_AND_CLAIM,
        old="and coalesce((job_id, token) in (select * from unnest($2::bigint[], $3::bigint[])), false)",
        new="and $3::bigint[] is not null",
        said="successes without their lease, and none else, are refused|places are not what the model says",
    ),
    "a loss that is not counted": Spoilt(
        statements.JOBS_RESCUE,
        old="lost + 1",
        new="lost",
        said="places are not what the model says",
    ),
    "a cancelled job that stays scheduled": Spoilt(
        statements.JOBS_CANCEL,
        old="delete from /*schema.*/scheduled where ctid = any(array(select place from later))"
        " returning job_id, attempt",
        new="select job_id, attempt from /*schema.*/scheduled where ctid = any(array(select place from later))",
        said="jobs in no place or in several",
    ),
    "counts that are folded and kept": Spoilt(
        statements.BATCHES_FOLD,
        old="delete from /*schema.*/batch_delta where batch_id = any(array(select id from chosen))\n"
        "  returning batch_id, succeeded, failed, cancelled",
        new="select batch_id, succeeded, failed, cancelled from /*schema.*/batch_delta\n"
        "  where batch_id = any(array(select id from chosen))",
        said="not count",
    ),
    "a retention that is not waited for": Spoilt(
        statements.JOBS_PRUNE,
        old="outcome <> 'f' and finished_at < $5::timestamptz as is_due",
        new="outcome <> 'f' and $5::timestamptz is not null as is_due",
        said="what was pruned is not what was old enough",
    ),
    "a worker that may be silent for ever": Spoilt(
        statements.JOBS_RESCUE,
        old="where heartbeat_at < /*schema.*/clock() - timeout_seconds * interval '1 second'\n     or (",
        new="where (",
        said="these jobs were not rescued",
    ),
}

# Found after a few dozen histories.
HARD_TO_FIND = {
    "leases of a worker that said goodbye, and are nobody's": Spoilt(
        statements.JOBS_RESCUE,
        old="where l.worker_id <> all(array(select id from /*schema.*/worker except select id from gone))",
        new="where l.worker_id = any(array(select id from gone))",
        said="these jobs were not rescued",
    ),
    "progress that needs no token": Spoilt(
        statements.JOBS_REPORT_PROGRESS,
        old="where job_id = r.job_id and token = r.token",
        new="where job_id = r.job_id",
        said="reports are not what the model says",
    ),
    "a batch that goes on counting a cancelled job which is retried": Spoilt(
        statements.JOBS_RETRY,
        old="-count(*) filter (where outcome = 'c')",
        new="0",
        said="not count",
    ),
}
FOUND = {**SPOILT, **HARD_TO_FIND} if HISTORIES else SPOILT


@pytest.mark.parametrize("spoilt", FOUND.values(), ids=FOUND)
def test_a_spoilt_statement_is_found_out(database_url: str, spoilt: Spoilt) -> None:
    with open_world(database_url, spoilt.spoilt()) as world, pytest.raises(AssertionError, match=spoilt.said):
        run_histories(world, UNTIL_FAILURE, seeded=0)
