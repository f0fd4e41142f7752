"""Finish: every way an attempt can end, and what becomes of the job."""

from datetime import timedelta

import pytest

from dibs.domain.outcome import CANCELLED, HANDED_BACK, SUCCEEDED, Ended, Failure, Outcome, Verdict
from dibs.engine.claim import finish
from support.engine import FAILED, FAILURE, RETRY, Engine, new_job

SNOOZE = Outcome(Verdict.SNOOZE, 30.0)
DEFER = Outcome(Verdict.DEFER, 15.0)

ENDINGS = pytest.mark.parametrize(
    ("outcome", "letter", "state"),
    [(SUCCEEDED, b"s", "succeeded"), (FAILED, b"f", "failed"), (CANCELLED, b"c", "cancelled")],
)


@ENDINGS
async def test_an_ending_is_recorded(engine: Engine, outcome: Outcome, letter: bytes, state: str):
    batch, (id_,) = await engine.batch(new_job(max_attempts=3))
    worker = await engine.register()
    job = await engine.claim_one(worker)
    lease = await engine.row("lease", id_)
    assert await engine.finish(job, outcome=outcome) == []
    done = await engine.row("done", id_)
    assert done is not None
    assert lease is not None
    assert (done["outcome"], done["attempt"], done["worker_id"]) == (letter, 1, worker)
    assert done["started_at"] == lease["leased_at"]
    assert done["finished_at"] >= done["started_at"]
    assert await engine.count("lease") == 0
    assert (await engine.job(id_)).state == state
    deltas = await engine.connection.fetch("select * from dibs.batch_delta")
    assert [tuple(row) for row in deltas] == [(batch, state == "succeeded", state == "failed", state == "cancelled")]


@pytest.mark.parametrize(
    ("outcome", "reason", "attempt", "lost"),
    [
        (RETRY, "retry", 1, 0),
        (SNOOZE, "snooze", 0, 0),
        (DEFER, "unknown task", 0, 0),
        (Outcome(Verdict.HAND_BACK, 5.0), "suspect", 0, 2),
    ],
)
async def test_what_comes_back_later_is_scheduled(
    engine: Engine, outcome: Outcome, reason: str, attempt: int, lost: int
):
    _, (id_,) = await engine.batch(new_job(max_attempts=3))
    job = await engine.claim_one(await engine.register())
    await engine.connection.execute("update dibs.lease set lost = 2")
    now = await engine.connection.fetchval("select dibs.clock()")
    await engine.finish(job, outcome=outcome)
    row = await engine.row("scheduled", id_)
    assert row is not None
    assert (row["reason"], row["attempt"], row["lost"]) == (reason, attempt, lost)
    late = (row["run_at"] - now) - timedelta(seconds=outcome.delay_seconds)
    assert timedelta(0) <= late < timedelta(seconds=20)
    assert await engine.count("batch_delta") == 0
    assert await engine.count("done") == 0


@pytest.mark.parametrize(
    ("verdict", "attempt", "lost"),
    [(Verdict.RETRY, 1, 0), (Verdict.SNOOZE, 0, 0), (Verdict.DEFER, 0, 0), (Verdict.HAND_BACK, 0, 2)],
)
async def test_what_comes_back_at_once_is_in_line(engine: Engine, verdict: Verdict, attempt: int, lost: int):
    (id_,) = await engine.enqueue(new_job("mail", priority=8, max_attempts=3))
    worker = await engine.register("mail")
    job = await engine.claim_one(worker, "mail")
    await engine.connection.execute("update dibs.lease set lost = 2")
    await engine.finish(job, outcome=Outcome(verdict))
    row = await engine.row("ready", id_)
    assert row is not None
    assert (row["attempt"], row["lost"], row["priority"], row["queue_id"]) == (
        attempt,
        lost,
        8,
        await engine.queue("mail"),
    )
    again = await engine.claim_one(worker, "mail")
    assert (again.attempt, again.lost) == (attempt + 1, lost)
    assert again.token > job.token


async def test_a_job_snoozed_for_ever_never_uses_up_its_attempts(engine: Engine):
    await engine.enqueue(new_job(max_attempts=1))
    worker = await engine.register()
    for _ in range(5):
        job = await engine.claim_one(worker)
        assert job.attempt == 1
        await engine.finish(job, outcome=Outcome(Verdict.SNOOZE))


@pytest.mark.parametrize("outcome", [FAILED, RETRY, Outcome(Verdict.CANCEL, failure=FAILURE)])
async def test_what_went_wrong_is_kept(engine: Engine, outcome: Outcome):
    (id_,) = await engine.enqueue(new_job(max_attempts=3))
    worker = await engine.register()
    await engine.finish(await engine.claim_one(worker), outcome=outcome)
    (row,) = await engine.connection.fetch("select * from dibs.attempt_error")
    assert (row["job_id"], row["attempt"], row["worker_id"]) == (id_, 1, worker)
    assert (row["error_type"], row["message"], row["traceback"]) == ("ValueError", "no", "Traceback ...")
    job = await engine.job(id_)
    assert (job.error, job.traceback) == ("ValueError: no", "Traceback ...")


async def test_errors_of_every_attempt_are_kept_and_the_last_one_is_shown(engine: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=3))
    worker = await engine.register()
    for name in ("First", "Second"):
        job = await engine.claim_one(worker)
        await engine.finish(job, outcome=Outcome(Verdict.RETRY, 0.0, Failure(name, "told", None)))
    assert [row[0] for row in await engine.connection.fetch("select attempt from dibs.attempt_error order by id")] == [
        1,
        2,
    ]
    assert (await engine.job(id_)).error == "Second: told"


async def test_what_postgres_can_not_store_in_an_error_is_replaced(engine: Engine):
    (id_,) = await engine.enqueue()
    odd = Failure("E\x00", "nul \x00, half a surrogate \ud800, " + "x" * 10_000, "start" + "\x00" * 30_000 + "the end")
    await engine.finish(await engine.claim_one(await engine.register()), outcome=Outcome(Verdict.FAIL, failure=odd))
    job = await engine.job(id_)
    assert job.error is not None
    assert job.traceback is not None
    assert job.error.startswith("E\ufffd: nul \ufffd, half a surrogate ?, xxx")
    assert job.traceback.endswith("the end")
    assert len(job.error) < 5_000
    assert len(job.traceback) <= 20_000


async def test_an_error_with_an_empty_message_can_be_read_back(engine: Engine):
    (id_,) = await engine.enqueue()
    failure = Failure("KeyError", "", None)
    await engine.finish(await engine.claim_one(await engine.register()), outcome=Outcome(Verdict.FAIL, failure=failure))
    assert (await engine.job(id_)).error == "KeyError: "


async def test_many_outcomes_at_once_each_go_their_way(engine: Engine):
    outcomes = [SUCCEEDED, FAILED, CANCELLED, RETRY, SNOOZE, DEFER, HANDED_BACK]
    batch, ids = await engine.batch(*[new_job(max_attempts=2)] * 7)
    jobs = await engine.claim(await engine.register(), 7)
    ended = [Ended(job.id, job.token, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
    assert await engine.run(finish(list(reversed(ended)))) == []
    assert await engine.ids("done") == ids[:3]
    assert await engine.ids("scheduled") == ids[3:6]
    assert await engine.ids("ready") == ids[6:]
    (delta,) = await engine.connection.fetch("select * from dibs.batch_delta")
    assert tuple(delta) == (batch, 1, 1, 1)


@pytest.mark.parametrize("outcome", [RETRY, SNOOZE, DEFER, HANDED_BACK])
async def test_a_job_asked_to_be_cancelled_does_not_go_back(engine: Engine, outcome: Outcome):
    batch, (id_,) = await engine.batch(new_job(max_attempts=3))
    job = await engine.claim_one(await engine.register())
    assert (await engine.cancel(id_)).requested == (id_,)
    await engine.finish(job, outcome=outcome)
    assert (await engine.job(id_)).state == "cancelled"
    assert await engine.connection.fetchval("select cancelled from dibs.batch_delta where batch_id = $1", batch) == 1


@pytest.mark.parametrize(("outcome", "state"), [(SUCCEEDED, "succeeded"), (FAILED, "failed")])
async def test_a_wish_to_cancel_does_not_change_how_a_job_has_ended(engine: Engine, outcome: Outcome, state: str):
    (id_,) = await engine.enqueue()
    job = await engine.claim_one(await engine.register())
    await engine.cancel(id_)
    await engine.finish(job, outcome=outcome)
    assert (await engine.job(id_)).state == state


async def test_nothing_to_finish_is_fine(engine: Engine):
    assert await engine.run(finish([])) == []


async def test_an_ending_told_twice_at_once_is_recorded_once(engine: Engine):
    batch, (id_,) = await engine.batch(new_job())
    job = await engine.claim_one(await engine.register())
    await engine.finish(job, job)
    assert await engine.ids("done") == [id_]
    assert (
        await engine.connection.fetchval("select sum(succeeded) from dibs.batch_delta where batch_id = $1", batch) == 1
    )
