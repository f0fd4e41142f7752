"""What becomes of a job, by what its task does."""

from pathlib import Path

import asyncpg
import pytest

from dibs import Dibs, JobState, Retry
from support import scripted
from support.jobs import all_done, effects, in_state
from support.waiting import eventually
from support.workers import StartWorker


async def test_a_batch_of_mixed_jobs_ends_with_each_job_ended_once(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    jobs = [scripted.count.job(n) for n in range(300)] + [scripted.noop.job(n) for n in range(2000)]
    batch = await app.batch("mixed", jobs)
    start_worker()
    async for progress in app.watch_batch(batch.id):
        last = progress
    assert (last.succeeded, last.failed, last.is_finished) == (2300, 0, True)
    assert await db.fetchval("select count(distinct job_id) from effect where job_id > 0") == 300
    assert await db.fetchval("select count(*) from effect where job_id > 0") == 300


async def test_a_failing_job_is_retried_and_its_errors_are_kept(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    start_worker()
    enqueued = await scripted.fail.enqueue(times=2)
    job = await in_state(app, enqueued.id, JobState.SUCCEEDED)
    assert job.attempt == 3
    rows = await db.fetch("select attempt, message from dibs.attempt_error where job_id = $1 order by id", job.id)
    assert [tuple(row) for row in rows] == [
        (1, "failure 1, with a NUL \ufffd"),
        (2, "failure 2, with a NUL \ufffd"),
    ]


async def test_a_job_without_attempts_left_is_a_dead_letter_with_its_traceback(
    app: Dibs, start_worker: StartWorker
) -> None:
    start_worker()
    enqueued = await scripted.fail.enqueue(times=9)
    job = await in_state(app, enqueued.id, JobState.FAILED)
    assert job.attempt == 3
    assert job.error == "ValueError: failure 3, with a NUL \ufffd"
    assert "Traceback (most recent call last)" in (job.traceback or "")
    assert await app.retry([job.id]) == [job.id]
    again = await in_state(app, job.id, JobState.FAILED)
    assert again.attempt == 4


async def test_a_retry_policy_of_the_call_replaces_the_tasks(app: Dibs, start_worker: StartWorker) -> None:
    start_worker()
    enqueued = await scripted.fail.options(retry=Retry(attempts=1)).enqueue(times=9)
    assert (await in_state(app, enqueued.id, JobState.FAILED)).attempt == 1


@pytest.mark.parametrize("case", ["missing file", "permanent error", "exit"])
async def test_an_error_that_no_retry_mends_fails_at_once(
    app: Dibs, start_worker: StartWorker, tmp_path: Path, case: str
) -> None:
    start_worker()
    if case == "missing file":
        enqueued = await scripted.read_file.enqueue(path=str(tmp_path / "missing.pdf"))
        expected = (1, "FileNotFoundError")
    elif case == "permanent error":
        enqueued = await scripted.give_up.enqueue()
        expected = (1, "PermanentError: this will never work")
    else:  # an exit is an error like others: retried, and the worker lives on
        enqueued = await scripted.leave.enqueue()
        expected = (3, "SystemExit: 3")
    job = await in_state(app, enqueued.id, JobState.FAILED)
    assert job.attempt == expected[0]
    assert (job.error or "").startswith(expected[1])
    alive = await scripted.noop.enqueue(1)
    await in_state(app, alive.id, JobState.SUCCEEDED)


async def test_a_snoozed_job_comes_back_with_its_attempt_uncounted(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    start_worker()
    enqueued = await scripted.snooze_once.enqueue(gate=str(gate))
    await in_state(app, enqueued.id, JobState.SUCCEEDED)
    assert await effects(db, enqueued.id) == ["attempt 1"]


async def test_a_task_that_hangs_is_ended_at_its_time_limit(app: Dibs, start_worker: StartWorker) -> None:
    start_worker("--queues=default:1")
    for task in (scripted.hang, scripted.spin):
        enqueued = await task.enqueue()
        job = await in_state(app, enqueued.id, JobState.FAILED)
        assert job.error == "JobTimeout: ran longer than its limit of 0.3 s"
        assert f"in {task.spec.function.__name__}" in (job.traceback or ""), "where it was"
    after = await scripted.noop.enqueue(1)
    await in_state(app, after.id, JobState.SUCCEEDED)


async def test_a_thread_that_can_not_be_stopped_keeps_its_slot_but_not_its_job(
    app: Dibs, start_worker: StartWorker, gate: Path
) -> None:
    worker = start_worker("--queues=default:1")
    blocked = await scripted.block.enqueue(gate=str(gate))
    job = await in_state(app, blocked.id, JobState.FAILED)
    assert "its thread did not stop" in (job.error or "")
    behind = await scripted.noop.enqueue(1)
    assert (await app.job(behind.id)).state in {JobState.READY, JobState.RUNNING}
    gate.touch()
    await in_state(app, behind.id, JobState.SUCCEEDED)
    assert worker.is_alive


async def test_a_job_of_an_unknown_task_is_put_off_for_a_worker_that_knows_it(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    start_worker()
    enqueued = await scripted.noop.enqueue(1)
    await in_state(app, enqueued.id, JobState.SUCCEEDED)
    await db.execute("alter table dibs.job disable trigger user")
    stranger = await scripted.noop.options(delay=3600).enqueue(1)
    await db.execute("update dibs.job set task = 'os.system' where id = $1", stranger.id)
    await app.retry([stranger.id])
    job = await eventually(lambda: _waiting_for(app, stranger.id, "unknown task"))
    assert (job.state, job.attempt) == (JobState.SCHEDULED, 0)


async def _waiting_for(app: Dibs, job_id: int, reason: str) -> object:
    job = await app.job(job_id)
    return job if job is not None and job.reason == reason else None


async def test_arguments_that_do_not_fit_fail_at_once_with_a_clear_message(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    for stored, complaint in [
        ('{"number": "three"}', "Expected `int`, got `str`"),
        ('{"number": 1, "more": 2}', "unknown field `more`"),
        ('["not", "an object"]', "Expected `object`, got `array`"),
    ]:
        enqueued = await scripted.count.options(delay=3600).enqueue(1)
        await db.execute("update dibs.job set args = $2 where id = $1", enqueued.id, stored)
        await app.retry([enqueued.id])
        start_worker() if complaint.startswith("Expected `int`") else None
        job = await in_state(app, enqueued.id, JobState.FAILED)
        assert job.attempt == 1
        assert complaint in (job.error or "")


async def test_a_running_job_can_be_cancelled_and_a_waiting_one_too(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    worker = start_worker("--queues=default:2")
    running = await scripted.pass_gate.enqueue(gate=str(gate))
    in_thread = await scripted.pass_gate_in_thread.enqueue(gate=str(gate))
    await eventually(lambda: effects(db, running.id))
    await in_state(app, in_thread.id, JobState.RUNNING)
    waiting = await scripted.noop.options(delay=3600).enqueue(1)
    cancelled = await app.cancel([running.id, in_thread.id, waiting.id])
    assert (set(cancelled.requested), cancelled.ended) == ({running.id, in_thread.id}, (waiting.id,))
    for job_id in (running.id, in_thread.id, waiting.id):
        await in_state(app, job_id, JobState.CANCELLED)
    assert await effects(db, running.id) == ["began"]
    assert worker.is_alive


async def test_progress_is_written_while_the_job_runs_and_its_last_word_is_kept(
    app: Dibs, start_worker: StartWorker, gate: Path
) -> None:
    start_worker()
    enqueued = await scripted.report.enqueue(gate=str(gate))
    job = await eventually(lambda: _with_progress(app, enqueued.id))
    assert (job.progress.completed, job.progress.total, job.progress.message) == (1, 4, "a quarter\ufffd")
    gate.touch()
    ended = await in_state(app, enqueued.id, JobState.SUCCEEDED)
    assert ended.progress is not None
    assert (ended.progress.completed, ended.progress.message) == (4, "done")


async def _with_progress(app: Dibs, job_id: int) -> object:
    job = await app.job(job_id)
    return job if job is not None and job.progress is not None else None


async def test_more_failures_than_allowed_in_a_minute_raise_one_alarm(app: Dibs, start_worker: StartWorker) -> None:
    worker = start_worker("--alarm=5", "--log-format=json")
    await app.enqueue_many([scripted.give_up.job() for _ in range(20)])
    line = worker.wait_for(r"ALARM: more than 5 attempts failed")
    assert '"level":"critical"' in line.string


async def test_every_log_line_of_a_job_says_which_job(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker("--log-format=json")
    enqueued = await scripted.give_up.enqueue()
    line = worker.wait_for(r"PermanentError").string
    for field in (f'"job":{enqueued.id}', '"task":"support.scripted.give_up"', '"attempt":1', '"queue":"default"'):
        assert field in line
    await all_done(db, 1)


async def test_neither_an_error_without_words_nor_a_policy_that_can_not_be_read_harms_the_worker(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker()
    unspeakable = await scripted.unspeakable.enqueue()
    job = await in_state(app, unspeakable.id, JobState.FAILED)
    assert job.error == "UnspeakableError: its description raised RuntimeError"
    odd = await scripted.fail.options(delay=3600, retry=Retry(attempts=2)).enqueue(times=1)
    await db.execute("""update dibs.job set retry = '{"attempts": "many"}' where id = $1""", odd.id)
    await app.retry([odd.id])
    await in_state(app, odd.id, JobState.SUCCEEDED)
    assert worker.is_alive


@pytest.mark.parametrize(
    ("task", "error"),
    [(scripted.cancel_itself, "CancelledError"), (scripted.exhausted, "RuntimeError: the task raised StopIteration")],
)
async def test_a_job_that_raises_what_the_machinery_is_made_of_fails_alone(
    app: Dibs, start_worker: StartWorker, task: object, error: str
) -> None:
    worker = start_worker("--queues=default:1")
    enqueued = await task.enqueue()
    assert ((await in_state(app, enqueued.id, JobState.FAILED)).error or "").startswith(error)
    after = await scripted.noop.enqueue(1)
    await in_state(app, after.id, JobState.SUCCEEDED)
    assert worker.is_alive


async def test_progress_told_from_a_thread_is_kept_to_the_last(app: Dibs, start_worker: StartWorker) -> None:
    start_worker()
    enqueued = await scripted.report_from_thread.enqueue(times=500)
    job = await in_state(app, enqueued.id, JobState.SUCCEEDED)
    assert job.progress is not None
    assert job.progress.completed == 500


@pytest.mark.parametrize("late", [False, True])
async def test_a_cancellation_that_a_job_leaves_behind_reaches_nobody(
    app: Dibs, start_worker: StartWorker, *, late: bool
) -> None:
    worker = start_worker("--queues=default:2")
    left = await scripted.cancel_itself_and_return.enqueue(late=late)
    await in_state(app, left.id, JobState.SUCCEEDED)
    after = await scripted.noop.enqueue(1)
    job = await in_state(app, after.id, JobState.SUCCEEDED)
    assert job.attempt == 1
    assert worker.is_alive


async def test_jobs_do_not_wait_in_a_worker_behind_long_ones(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    await app.enqueue_many([scripted.noop.job(n) for n in range(5_000)])
    await app.enqueue_many([scripted.pass_gate.job(gate=str(gate)) for _ in range(300)])
    start_worker("--queues=default:2")
    await eventually(lambda: db.fetchval("select count(*) = 5000 from dibs.done"))
    await eventually(lambda: db.fetchval("select count(*) = 2 from dibs.lease"))
    assert await db.fetchval("select count(*) from dibs.ready where attempt = 0") == 298
    gate.touch()
    await eventually(lambda: db.fetchval("select count(*) = 5300 from dibs.done"))
