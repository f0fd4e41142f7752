"""Rows by the dozen in each table, and every statement that wants many of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from dibs.domain.outcome import CANCELLED
from dibs.engine.prune import take_turn
from dibs.storage import statements
from dibs.storage.statement import Query
from support.engine import FAILED, Engine, new_job

ROWS = 24
QUEUE = "mail"
NEW_QUEUES = [f"new{n:02}" for n in range(ROWS)]
_FAR = datetime(2200, 1, 1, tzinfo=UTC)
KEYS = {
    "ready": "job_id", "scheduled": "job_id", "lease": "job_id", "done": "job_id", "cancel_request": "job_id",
    "progress": "job_id", "batch": "id", "worker": "id", "batch_watch": "batch_id",
    "retention": "finished_seconds",
}  # fmt: skip


@dataclass
class Rows:
    """Jobs that stand everywhere, and what else statements take by the dozen."""

    worker: int
    queue: int
    ready: list[int]
    scheduled: list[int]
    leased: list[tuple[int, int]]
    ended: list[int]


async def filled(engine: Engine) -> Rows:
    """Make them: all that is scheduled is due, all that runs is a lost worker's and is to be cancelled."""
    worker = await engine.register(QUEUE)
    for _ in range(2):
        await engine.batch(*[new_job(QUEUE)] * (ROWS // 2))
    ended = await engine.claim(worker, ROWS, QUEUE)
    await engine.cancel(*(job.id for job in ended))
    await engine.finish(*ended[: ROWS // 2], outcome=FAILED)
    await engine.finish(*ended[ROWS // 2 :], outcome=CANCELLED)
    await engine.batch(*[new_job(QUEUE)] * ROWS)
    leased = await engine.claim(worker, ROWS, QUEUE)
    await engine.cancel(*(job.id for job in leased))
    rows = Rows(
        worker=worker,
        queue=await engine.queue(QUEUE),
        ready=await engine.enqueue(*[new_job(QUEUE)] * ROWS),
        scheduled=await engine.enqueue(*[new_job(QUEUE, delay_seconds=60)] * ROWS),
        leased=[(job.id, job.token) for job in leased],
        ended=[job.id for job in ended],
    )
    assert await engine.run(take_turn(worker, 3600))
    await engine.lose(worker)
    await engine.connection.execute(
        f"""
        update dibs.scheduled set run_at = dibs.clock();
        insert into dibs.progress select job_id, 1, 2, null, dibs.clock() from dibs.lease union all
                                  select job_id, 1, 2, null, dibs.clock() from dibs.done;
        insert into dibs.batch_watch select n, gen_random_uuid(), '-infinity' from generate_series(1, {ROWS}) n;
        insert into dibs.retention select n, n, '-infinity' from generate_series(1, {ROWS}) n;
        insert into dibs.worker (hostname, pid, version, queue_ids, slots, timeout_seconds, started_at, heartbeat_at)
        select 'host', n, '1', '{{1}}', 1, 1, '-infinity', '-infinity' from generate_series(1, {ROWS}) n;
        """
    )
    for table, key in KEYS.items():
        await engine.connection.execute(
            f"""
            create temp table t as select * from dibs.{table};
            delete from dibs.{table};
            insert into dibs.{table} select * from t order by {key} desc;
            drop table t;
            """
        )
    return rows


def sent_by_workers(rows: Rows, step: int) -> list[Query]:
    """What workers send, with ids from the first to the last or, with a step of -1, the other way round."""
    leased = rows.leased[::step]
    held, tokens = [job_id for job_id, _ in leased], [token for _, token in leased]
    wish = float(1 if step > 0 else ROWS)
    nulls, zeros = [None] * len(held), [0] * len(held)
    outcomes = (["s", "f", "r", "h"] * len(held))[: len(held)]
    return [
        statements.JOBS_CLAIM(rows.worker, [rows.queue], [ROWS]),
        statements.JOBS_SUCCEED_AND_CLAIM(rows.worker, held, tokens, [rows.queue], [0], [0], [rows.queue], [ROWS]),
        statements.JOBS_FINISH(held, tokens, outcomes, [5.0] * len(held), nulls, nulls, nulls),
        statements.JOBS_REPORT_PROGRESS(held, tokens, zeros, nulls, nulls),
        statements.JOBS_PROMOTE(ROWS, None),
        statements.JOBS_RESCUE(0, 2.5),
        statements.JOBS_DISOWN(rows.worker, []),
        statements.JOBS_PRUNE(rows.worker, True, 0, ROWS, _FAR, 60.0),
        statements.JOBS_PRUNE(rows.worker, False, 0, ROWS, _FAR, 60.0),
        statements.JOBS_PRUNE_TURN(rows.worker, 60.0, wish, wish, False),
        statements.BATCHES_FOLD(),
        statements.WORKERS_TIDY(),
        statements.WORKERS_HEARTBEAT(rows.worker, True, 2.5, None),
        statements.WORKERS_SET_ASLEEP(rows.worker, True),
        statements.WORKERS_DEREGISTER(rows.worker),
    ]


def sent_by_applications(rows: Rows, step: int) -> list[Query]:
    """What applications send."""
    running = [job_id for job_id, _ in rows.leased]
    return [
        statements.JOBS_CANCEL([*rows.ready, *rows.scheduled, *running][::step], False),
        statements.JOBS_RETRY([*rows.ended, *rows.scheduled][::step]),
        statements.QUEUES_ENSURE(NEW_QUEUES[::step]),
        statements.BATCHES_WATCH(1, UUID(int=7), 30.0),
        statements.BATCHES_UNWATCH(1, UUID(int=7)),
    ]
