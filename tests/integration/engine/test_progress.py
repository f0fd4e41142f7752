"""Progress: what running jobs say of themselves, the newest word only, and only while they hold their lease."""

from dibs.domain.job import ClaimedJob, JobProgress
from dibs.engine.progress import ProgressReport, report_progress
from support.engine import FAILED, Engine, new_job


def said(job: ClaimedJob, completed: int, total: int | None = None, message: str | None = None) -> ProgressReport:
    return ProgressReport(job.id, job.token, completed, total, message)


async def test_the_newest_word_is_shown(engine: Engine):
    (id_,) = await engine.enqueue()
    job = await engine.claim_one(await engine.register())
    assert (await engine.job(id_)).progress is None
    await engine.run(report_progress([said(job, 1, 10, "reading")]))
    await engine.run(report_progress([said(job, 4)]))
    assert (await engine.job(id_)).progress == JobProgress(completed=4, total=None, message=None)


async def test_many_jobs_report_in_one_statement_whatever_their_order(engine: Engine):
    ids = await engine.enqueue(count=3)
    jobs = await engine.claim(await engine.register(), 3)
    await engine.run(report_progress([said(job, n) for n, job in reversed(list(enumerate(jobs)))]))
    found = [(await engine.job(id_)).progress for id_ in ids]
    assert [progress and progress.completed for progress in found] == [0, 1, 2]


async def test_progress_stays_when_the_job_has_ended(engine: Engine):
    (id_,) = await engine.enqueue()
    job = await engine.claim_one(await engine.register())
    await engine.run(report_progress([said(job, 3, 4, "nearly")]))
    await engine.finish(job, outcome=FAILED)
    assert (await engine.job(id_)).progress == JobProgress(completed=3, total=4, message="nearly")


async def test_the_stale_are_left_out_and_the_others_are_written(engine: Engine):
    ids = await engine.enqueue(*[new_job(max_attempts=2)] * 2)
    old, other = await engine.claim(await engine.register(), 2)
    await engine.finish(old)
    await engine.run(report_progress([said(old, 9), said(other, 1)]))
    assert (await engine.job(ids[0])).progress is None
    assert await engine.ids("progress") == [ids[1]]


async def test_a_message_that_postgres_can_not_store_is_cleaned_and_cut(engine: Engine):
    (id_,) = await engine.enqueue()
    job = await engine.claim_one(await engine.register())
    await engine.run(report_progress([said(job, 0, None, "a\x00b" + "x" * 5000)]))
    progress = (await engine.job(id_)).progress
    assert progress is not None
    assert progress.message is not None
    assert progress.message.startswith("a\ufffdbxx")
    assert len(progress.message) == 1000


async def test_no_report_is_fine(engine: Engine):
    await engine.run(report_progress([]))


async def test_numbers_larger_than_the_tables_hold_do_not_take_other_reports_with_them(engine: Engine):
    ids = await engine.enqueue(count=2)
    jobs = await engine.claim(await engine.register(), 2)
    await engine.run(report_progress([said(jobs[0], 1 << 70, -(1 << 70)), said(jobs[1], 1)]))
    assert await engine.ids("progress") == ids
