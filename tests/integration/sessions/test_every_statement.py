"""Each statement of dibs runs on each session, with the parameters that the engine gives it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import psycopg

from dibs.domain.job import NewJob
from dibs.domain.outcome import Ended, Failure, Outcome, Verdict
from dibs.domain.retention import Retention
from dibs.domain.state import JobState
from dibs.engine.batch import batch_progress, create_batch, unwatch_batch, watch_batch
from dibs.engine.cancel import cancel, retry
from dibs.engine.claim import Floor, claim, finish, succeed_and_claim
from dibs.engine.enqueue import enqueue
from dibs.engine.inspect import JobFilter, get_jobs, list_job_ids, list_jobs, status
from dibs.engine.liveness import (
    Registration,
    deregister,
    ensure_queues,
    heartbeat,
    hold,
    register,
    set_asleep,
    tidy,
)
from dibs.engine.progress import ProgressReport, report_progress
from dibs.engine.promote import promote
from dibs.engine.prune import Walk, cutoffs, prunable, prune, take_turn
from dibs.engine.rescue import disown, rescue
from dibs.storage import statements
from dibs.storage.borrow import sync_session
from dibs.storage.session import Operation, Step, T
from dibs.storage.statement import Query, Statement
from support.callers import SCHEMA, Caller

ALL = {value.name for value in vars(statements).values() if isinstance(value, Statement)}
BY_COPY_ONLY = {"jobs/reserve_ids", "queues/wake"}
PAST = datetime(2001, 1, 1, tzinfo=UTC)


def job(**settings: object) -> NewJob:
    return NewJob(**{"task": "app:task", "args_json": '{"a":1}', "queue": "q", **settings})


class Recorded:
    """Runs operations, and notes which statements they yield."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.seen: set[str] = set()

    async def __call__(self, operation: Operation[T]) -> T:
        return await self._caller.run(self._noting(operation))

    def _noting(self, operation: Operation[T]) -> Operation[T]:
        try:
            step: Step = next(operation)
            while True:
                if isinstance(step, Query):
                    self.seen.add(step.statement.name)
                step = operation.send((yield step))
        except StopIteration as end:
            return end.value


async def test_every_statement_runs_on_every_session(caller: Caller) -> None:
    run = Recorded(caller)
    queue_id = (await run(ensure_queues(["q", "other"])))["q"]
    worker_id = await run(
        register(Registration(hostname="host", pid=1, version="0", queue_ids=[queue_id], slots=2, timeout_seconds=30))
    )
    assert await run(hold(worker_id))
    await run(set_asleep(worker_id, asleep=True))
    batch = await run(create_batch("upload", [job() for _ in range(6)]))
    watcher = uuid4()
    await run(watch_batch(batch.id, watcher, 60))

    claimed = await run(claim(worker_id, {queue_id: 2}))
    assert [held.id for held in claimed] == [enqueued.id for enqueued in batch.jobs[:2]]
    await run(
        report_progress(
            [
                ProgressReport(claimed[0].id, claimed[0].token, 1, 3, "half-way"),
                ProgressReport(claimed[1].id, claimed[1].token, 1, None, None),
            ]
        )
    )
    floors = [Floor(queue_id, 0, claimed[1].id)]
    trip = await run(succeed_and_claim(worker_id, claimed[:1], floors, {queue_id: 2}))
    assert len(trip.claimed) == 2
    assert not trip.refused
    trip = await run(succeed_and_claim(worker_id, claimed[:1], [], {}))
    assert list(trip.refused) == [claimed[0].id]

    failure = Failure("ValueError", "no", "Traceback")
    held = [claimed[1], *(await run(claim(worker_id, {queue_id: 1})))]
    ended = [
        Ended(held[0].id, held[0].token, Outcome(Verdict.FAIL, failure=failure)),
        Ended(held[1].id, held[1].token, Outcome(Verdict.RETRY, 2, Failure("OSError", "later"))),
        Ended(held[1].id, held[1].token + 99, Outcome(Verdict.SUCCEED)),
    ]
    assert await run(finish(ended)) in ([], [held[1].id])
    [failed] = await run(list_jobs(JobFilter(state=JobState.FAILED, queue="q", batch_id=batch.id), 10))
    assert await run(list_job_ids(JobFilter(queue="q"), [JobState.FAILED], 10)) == [failed.id]
    assert (failed.error, failed.traceback, dict(failed.args)) == ("ValueError: no", "Traceback", {"a": 1})
    assert await run(retry([failed.id])) == [failed.id]

    cancelled = await run(cancel([batch.jobs[5].id, batch.jobs[2].id]))
    assert {*cancelled.ended, *cancelled.requested} == {batch.jobs[5].id, batch.jobs[2].id}
    beat = await run(heartbeat(worker_id, holds_lock=True, grace_seconds=5))
    assert beat is not None
    assert list(beat.cancelled) == [batch.jobs[2].id]
    await run(disown(worker_id, []))
    await run(enqueue([job()]))
    await run(enqueue([job(run_at=PAST), job(delay_seconds=5)]))
    assert (await run(promote())).next_due_seconds is not None
    assert await run(rescue(worker_id, 5)) == []
    await run(tidy())

    # the one that ran when its end was asked for was handed back since, and tidying up has applied the wish
    progress = await run(batch_progress(batch.id))
    assert (progress.total, progress.succeeded, progress.failed, progress.cancelled) == (6, 1, 0, 2)
    [done] = await run(get_jobs([batch.jobs[0].id]))
    assert (done.state, done.progress.message) == (JobState.SUCCEEDED, "half-way")
    seen = await run(status())
    assert {queue.name for queue in seen.queues} == {"q", "other"}
    assert seen.workers[0].queues == ("q",)
    await run(unwatch_batch(batch.id, watcher))
    await prune_all(run, worker_id)
    await run(deregister(worker_id))
    assert run.seen == ALL - BY_COPY_ONLY


async def prune_all(run: Recorded, worker_id: int) -> None:
    assert await run(take_turn(worker_id, 60, Retention(finished=86_400, dead_letters=None)))
    until = await run(cutoffs())
    assert until.finished is not None
    assert until.dead_letters is None
    assert await run(prunable(until)) == (0, 0)
    ended = await run(prune(worker_id, Walk(dead_letters=False, before=until.finished + timedelta(days=2)), 60))
    assert (ended.has_turn, ended.looked, ended.pruned, ended.batches, ended.is_last) == (True, 3, 3, 0, True)


async def test_what_is_enqueued_and_read_never_meets_a_codec_for_json(observer: asyncpg.Connection) -> None:
    for statement in (statements.JOBS_ENQUEUE, statements.JOBS_GET, statements.JOBS_LIST):
        prepared = await observer.prepare(statement.text(SCHEMA))
        types = [attribute.type.name for attribute in prepared.get_attributes()]
        types += [parameter.name for parameter in prepared.get_parameters()]
        assert not [name for name in types if "json" in name]


def test_psycopg_prepares_an_enqueue_once_whatever_is_set(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        run = sync_session(connection, SCHEMA).run
        for settings in (
            {},
            {"timeout_seconds": 5},
            {"timeout_seconds": 0.5},
            {"delay_seconds": 3},
            {"run_at": PAST},
            {"priority": 1},
            {"priority": -30_000},
            {"tags": ("a",)},
        ):
            for _ in range(connection.prepare_threshold + 1):
                run(enqueue([job(**settings), job()]))
        found = connection.execute("select count(*) from pg_prepared_statements where statement ~ 'enqueue'")
        assert found.fetchone() == (1,)
