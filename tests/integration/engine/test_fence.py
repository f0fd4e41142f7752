"""The fence: an ending whose lease has passed on changes nothing, and is told so."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import CANCELLED, HANDED_BACK, SUCCEEDED, Ended, Outcome, Verdict
from dibs.engine.claim import finish, succeed_and_claim
from dibs.engine.progress import ProgressReport, report_progress
from support.engine import FAILED, RETRY, Engine, new_job

OUTCOMES = [SUCCEEDED, FAILED, CANCELLED, RETRY, Outcome(Verdict.SNOOZE, 5), Outcome(Verdict.DEFER, 5), HANDED_BACK]


@dataclass
class Stale:
    """A run whose lease has passed on."""

    engine: Engine
    worker: int
    job: ClaimedJob


async def _rescued(engine: Engine, worker: int, job: ClaimedJob) -> None:
    await engine.connection.execute("update dibs.worker set heartbeat_at = heartbeat_at - interval '1 hour'")
    await engine.rescue()


async def _claimed_by_another(engine: Engine, worker: int, job: ClaimedJob) -> None:
    await _rescued(engine, worker, job)
    await engine.claim_one(await engine.register())


async def _claimed_again_by_the_same(engine: Engine, worker: int, job: ClaimedJob) -> None:
    await engine.finish(job, outcome=HANDED_BACK)
    again = await engine.claim_one(worker)
    assert (again.id, again.attempt) == (job.id, job.attempt)


async def _ended(engine: Engine, worker: int, job: ClaimedJob) -> None:
    await engine.finish(job)


async def _dead(engine: Engine, worker: int, job: ClaimedJob) -> None:
    await engine.finish(job, outcome=FAILED)


async def _retried_later(engine: Engine, worker: int, job: ClaimedJob) -> None:
    await engine.finish(job, outcome=RETRY)


FATES = [_rescued, _claimed_by_another, _claimed_again_by_the_same, _ended, _dead, _retried_later]


@pytest.fixture(params=FATES, ids=lambda fate: fate.__name__.strip("_"))
async def stale(engine: Engine, request: pytest.FixtureRequest) -> Stale:
    fate: Callable[[Engine, int, ClaimedJob], Awaitable[None]] = request.param
    await engine.batch(new_job(max_attempts=5))
    worker = await engine.register()
    job = await engine.claim_one(worker)
    await fate(engine, worker, job)
    return Stale(engine, worker, job)


async def test_a_stale_ending_is_refused_and_changes_nothing(stale: Stale):
    before = await stale.engine.everything()
    for outcome in OUTCOMES:
        assert await stale.engine.finish(stale.job, outcome=outcome) == [stale.job.id], outcome
        assert await stale.engine.everything() == before, outcome


async def test_a_stale_success_is_refused_by_the_short_way_too(stale: Stale):
    before = await stale.engine.everything()
    trip = await stale.engine.succeed_and_claim(stale.worker, [stale.job])
    assert list(trip.refused) == [stale.job.id]
    assert await stale.engine.everything() == before


async def test_stale_progress_is_not_written(stale: Stale):
    before = await stale.engine.everything()
    await stale.engine.run(report_progress([ProgressReport(stale.job.id, stale.job.token, 1, 2, "half")]))
    assert await stale.engine.everything() == before


async def test_among_many_only_the_stale_are_refused(engine: Engine):
    ids = await engine.enqueue(count=6)
    jobs = await engine.claim(await engine.register(), 6)
    await engine.finish(jobs[0], jobs[4])
    assert await engine.finish(*jobs) == [ids[0], ids[4]]
    assert await engine.ids("done") == ids


async def test_a_stale_ending_is_refused_even_beside_the_valid_one_of_the_same_job(engine: Engine):
    """The worker holds the job again while its old run still went on, and both end within one flush."""
    (id_,) = await engine.enqueue(new_job(max_attempts=9))
    worker = await engine.register()
    old = await engine.claim_one(worker)
    await engine.finish(old, outcome=Outcome(Verdict.RETRY))
    new = await engine.claim_one(worker)
    assert await engine.run(finish([Ended(id_, old.token, SUCCEEDED), Ended(id_, new.token, FAILED)])) == [id_]
    done = await engine.row("done", id_)
    assert done is not None
    assert (done["outcome"], done["attempt"]) == (b"f", 2)


async def test_a_token_fits_only_the_jobs_it_was_made_for(engine: Engine):
    await engine.enqueue(count=2)
    worker = await engine.register()
    first, second = await engine.claim_one(worker), await engine.claim_one(worker)
    swapped = [Ended(first.id, second.token, SUCCEEDED), Ended(second.id, first.token, SUCCEEDED)]
    assert await engine.run(finish(swapped)) == [first.id, second.id]
    assert await engine.count("done") == 0


async def test_nor_do_successes_with_swapped_tokens_end_anything(engine: Engine):
    await engine.enqueue(count=2)
    worker = await engine.register()
    first, second = await engine.claim_one(worker), await engine.claim_one(worker)
    first.token, second.token = second.token, first.token
    trip = await engine.run(succeed_and_claim(worker, [first, second], (), {}))
    assert sorted(trip.refused) == [first.id, second.id]
    assert await engine.count("done") == 0
