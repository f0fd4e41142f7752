"""An explorer that finds nothing proves nothing: statements that were spoilt on purpose are found out."""

import pytest

from dibs.storage import statements
from interleaving.conftest import OpenExplorer
from interleaving.meeting import Meeting
from interleaving.meetings import batches, claiming, rescuing, steering
from interleaving.spoilt import Spoilt

FOUND_OUT = {
    "an ending that needs no token": (
        Spoilt(statements.JOBS_FINISH, "where job_id = e.job_id and token = e.token", "where job_id = e.job_id"),
        rescuing.finish_after_all_and_second_run,
        "unexpected: lost refused none; next took 1, got 1, refused 1 -> 1 succeeded",
    ),
    "a claim that waits for another one": (
        Spoilt(statements.JOBS_CLAIM, "for update skip locked", "for update"),
        claiming.claim_and_claim,
        "unexpected: a for b",
    ),
    "a claim that does not ask whether its worker is there": (
        Spoilt(statements.JOBS_CLAIM, "for key share", ""),
        rescuing.claim_and_rescue,
        "never seen: claim for rescue",
    ),
    "a rescue that waits for an ending": (
        Spoilt(statements.JOBS_RESCUE, "order by l.job_id\n  for update skip locked", "order by l.job_id for update"),
        rescuing.finish_and_rescue,
        "unexpected: rescue for finish",
    ),
    "a promotion of rows that another one promotes": (
        Spoilt(statements.JOBS_PROMOTE, "for update skip locked", ""),
        steering.promote_and_promote,
        "unexpected: a for b",
    ),
    "a retry that locks nothing": (
        Spoilt(statements.JOBS_RETRY, "order by job_id for update", "order by job_id"),
        steering.retry_and_retry,
        "UniqueViolationError",
    ),
    "a fold of what another one folds": (
        Spoilt(statements.BATCHES_FOLD, "for update skip locked", ""),
        batches.fold_and_fold,
        "unexpected: b for a",
    ),
    "a prune of what is being retried": (
        Spoilt(
            statements.JOBS_PRUNE,
            "from /*schema.*/done\n  where ctid = any(array(select place from looked where is_due))\n"
            "  for update skip locked",
            "from /*schema.*/done\n  where ctid = any(array(select place from looked where is_due))",
        ),
        batches.prune_and_retry,
        "rows of jobs that are gone",
    ),
}


@pytest.mark.parametrize(("spoilt", "meeting", "said"), FOUND_OUT.values(), ids=FOUND_OUT)
async def test_a_spoilt_statement_is_found_out(
    open_explorer: OpenExplorer, spoilt: Spoilt, meeting: Meeting, said: str
) -> None:
    explorer = await open_explorer(spoilt.text)
    complaints = meeting.complaints(await explorer.every_schedule(meeting.stage, meeting.may_roll_back))
    assert any(said in complaint for complaint in complaints), complaints
