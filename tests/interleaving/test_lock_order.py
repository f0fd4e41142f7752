"""Any two statements meet over the same rows, given to them in opposite orders: no deadlock.

Somebody holds one row in the middle of each table, so both come to a halt half-way, and holds what they have locked so
far. When the rows are let go, whoever locks in another order than its opposite waits for it while it is waited for:
not now and then, but each time. Both are rolled back in the end, so the next two find all rows again.

The rows lie in the tables in another order than that of their ids, and what applications send is planned without
indexes: whoever locks rows as they lie meets somebody who locks them by id.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import asyncpg
import pytest

from dibs.domain.outcome import CANCELLED
from dibs.engine.prune import take_turn
from dibs.storage import statements
from dibs.storage.connect import WORKER_SETTINGS
from dibs.storage.statement import Query
from support.engine import FAILED, Engine, new_job

ROWS = 24
QUEUE = "mail"
NEW_QUEUES = [f"new{n:02}" for n in range(ROWS)]
_FAR = datetime(2200, 1, 1, tzinfo=UTC)
_CLIENT_SETTINGS = {"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}
_ALL_WAIT = "select bool_and(cardinality(pg_blocking_pids(pid)) > 0) from unnest($1::integer[]) as pid"
_KEYS = {
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
    for table, key in _KEYS.items():
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
        statements.JOBS_CANCEL([*rows.ready, *rows.scheduled, *running][::step]),
        statements.JOBS_RETRY([*rows.ended, *rows.scheduled][::step]),
        statements.QUEUES_ENSURE(NEW_QUEUES[::step]),
        statements.BATCHES_WATCH(1, UUID(int=7), 30.0),
        statements.BATCHES_UNWATCH(1, UUID(int=7)),
    ]


@dataclass
class Met:
    """What happened when statements met."""

    waited: bool
    """Some of them came to a halt at the row that was held."""
    deadlocks: list[str]


WAITS = {
    "ready": {"jobs/cancel"},
    "scheduled": {"jobs/cancel", "jobs/retry"},
    "lease": {"jobs/succeed_and_claim", "jobs/finish", "jobs/disown"},
    "done": {"jobs/retry"},
    "worker": {
        "jobs/claim", "jobs/succeed_and_claim", "workers/heartbeat", "workers/set_asleep", "workers/deregister",
    },
    "progress": {"jobs/report_progress"},
    "cancel_request": {"jobs/retry", "jobs/prune"},
    "batch": {"jobs/prune"},
    "batch_watch": {"batches/unwatch", "workers/tidy"},
    "queue": {"queues/ensure"},
    "retention": set(),
}  # fmt: skip
Connect = Callable[[Mapping[str, str]], Awaitable[asyncpg.Connection]]


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connect_one(settings: Mapping[str, str]) -> asyncpg.Connection:
            connection = await asyncpg.connect(database_url, server_settings=dict(settings))
            stack.push_async_callback(connection.close)
            return connection

        yield connect_one


class Side:
    """One of the two that meet: it sends what workers send, and what applications send."""

    def __init__(
        self, of_worker: asyncpg.Connection, of_application: asyncpg.Connection, rows: Rows, step: int
    ) -> None:
        self.sends = [
            *((of_worker, query) for query in sent_by_workers(rows, step)),
            *product((of_worker, of_application), sent_by_applications(rows, step)),
        ]

    def name(self, nth: int) -> str:
        """How a statement is called."""
        return self.sends[nth][1].statement.name

    def pid(self, nth: int) -> int:
        """The server process that runs it."""
        return self.sends[nth][0].get_server_pid()

    async def run(self, nth: int) -> None:
        """Send a statement, and take it back."""
        connection, query = self.sends[nth]
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.fetch(query.statement.text("dibs"), *query.params)
        finally:
            await transaction.rollback()


class Holder:
    """Holds rows, and sees who comes to a halt there."""

    def __init__(self, connection: asyncpg.Connection, rows: Rows) -> None:
        self._connection = connection
        self.rows = rows

    async def middles(self) -> dict[str, str]:
        """For each table, the statement that holds its middle row; of workers, the one that is there."""
        holds = {
            "worker": f"select from dibs.worker where id = {self.rows.worker} for update;",
            # whoever makes a queue of the same name waits until it is known whether there is one
            "queue": f"insert into dibs.queue (name) values ('{NEW_QUEUES[ROWS // 2]}');",
        }
        for table, key in _KEYS.items() - {("worker", "id")}:
            found = await self._connection.fetch(f"select {key} from dibs.{table} order by 1")
            keys = [row[0] for row in found]
            if table == "cancel_request":
                # those of jobs that still run are nobody's before they have ended
                keys = [key for key in keys if key in self.rows.ended]
            nth = len(keys) // 2 if table == "batch" else len(keys) * 3 // 4
            holds[table] = f"select from dibs.{table} where {key} = {keys[nth]} for update;"
        return holds

    async def waiting(self, hold: str, side: Side) -> list[int]:
        """Which of a side's statements come to a halt."""
        return [nth for nth in range(len(side.sends)) if (await self.meet(hold, (side, nth))).waited]

    async def meet(self, hold: str, *sends: tuple[Side, int]) -> Met:
        """Send statements while rows are held, and let go when all have come to a halt or have ended."""
        transaction = self._connection.transaction()
        await transaction.start()
        await self._connection.execute(hold)
        tasks = {side.pid(nth): asyncio.ensure_future(side.run(nth)) for side, nth in sends}
        while running := [pid for pid, task in tasks.items() if not task.done()]:
            if await self._connection.fetchval(_ALL_WAIT, running):
                break
        await transaction.rollback()
        errors = [error for error in await asyncio.gather(*tasks.values(), return_exceptions=True) if error]
        deadlocks = [error for error in errors if isinstance(error, asyncpg.DeadlockDetectedError)]
        assert errors == deadlocks
        return Met(bool(running), [str(error.detail) for error in deadlocks])


@pytest.fixture
async def holder(connect: Connect) -> Holder:
    """Somebody who holds rows, in a database that is full of them."""
    director = Engine(await connect(WORKER_SETTINGS))
    return Holder(director.connection, await filled(director))


@pytest.fixture
async def sides(connect: Connect, holder: Holder) -> list[Side]:
    """Two who send the same, the second one with all ids the other way round."""
    return [
        Side(await connect(WORKER_SETTINGS), await connect(_CLIENT_SETTINGS), holder.rows, step) for step in (1, -1)
    ]


async def test_who_waits_for_rows_of_which_table(holder: Holder, sides: list[Side]) -> None:
    """All others step aside, or want no row that anybody could hold."""
    found = {
        table: {side.name(nth) for side in sides for nth in await holder.waiting(hold, side)}
        for table, hold in (await holder.middles()).items()
    }
    assert found == WAITS


async def test_no_two_statements_deadlock(holder: Holder, sides: list[Side]) -> None:
    one, other = sides
    middles = await holder.middles()
    found: list[str] = []
    for hold in (*middles.values(), "".join(middles.values())):
        for first, second in product(await holder.waiting(hold, one), repeat=2):
            met = await holder.meet(hold, (one, first), (other, second))
            found += [f"{one.name(first)} and {other.name(second)}: {detail}" for detail in met.deadlocks]
    assert not found, "\n".join(found)
