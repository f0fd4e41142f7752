"""Drive the engine's operations by hand, with no worker around."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

import asyncpg
import pytest

from dibs.domain.job import ClaimedJob, Job, NewJob
from dibs.domain.outcome import SUCCEEDED, Ended, Failure, Outcome, Verdict
from dibs.engine.batch import create_batch
from dibs.engine.cancel import Cancelled, cancel, retry
from dibs.engine.claim import Floor, RoundTrip, claim, finish, succeed_and_claim
from dibs.engine.enqueue import enqueue
from dibs.engine.inspect import get_jobs
from dibs.engine.liveness import Registration, ensure_queues, register
from dibs.engine.promote import Promoted, promote
from dibs.engine.rescue import Rescued, rescue
from dibs.storage.connect import WORKER_SETTINGS
from dibs.storage.session import Operation
from dibs.storage.sessions.on_asyncpg import OnAsyncpg
from dibs.storage.statement import channel
from support.conservation import assert_conserved
from support.waiting import eventually

T = TypeVar("T")

FAILURE = Failure("ValueError", "no", "Traceback ...")
RETRY = Outcome(Verdict.RETRY, 60.0, FAILURE)
FAILED = Outcome(Verdict.FAIL, failure=FAILURE)

HEARTBEAT_TIMEOUT_SECONDS = 30.0
GRACE_SECONDS = 2.5


def new_job(queue: str = "default", **fields: Any) -> NewJob:
    """A job that nobody will run."""
    return NewJob(**{"task": "tests.task", "args_json": "{}", "queue": queue, **fields})


class Engine:
    """The engine on one connection."""

    def __init__(self, connection: asyncpg.Connection, schema: str = "dibs") -> None:
        self.connection = connection
        self._session = OnAsyncpg(connection, schema)

    @property
    def pid(self) -> int:
        """The server process behind the connection."""
        return self.connection.get_server_pid()

    async def run(self, operation: Operation[T]) -> T:
        """Drive any operation."""
        return await self._session.run(operation)

    async def lose(self, worker: int) -> None:
        """As if a worker had not been heard of for an hour."""
        await self.connection.execute(
            "update dibs.worker set heartbeat_at = dibs.clock() - interval '1 hour' where id = $1", worker
        )

    async def move_clock(self, interval: str) -> None:
        """Move the database's clock, for this connection."""
        await self.connection.execute(f"set dibs.clock_offset = '{interval}'")

    # -- operations, each in a line ------------------------------------------------------------------------------------

    async def enqueue(self, *jobs: NewJob, count: int = 1) -> list[int]:
        """Enqueue *jobs*, or *count* plain ones, and give their ids."""
        return [job.id for job in await self.run(enqueue(jobs or [new_job()] * count))]

    async def batch(self, *jobs: NewJob, name: str = "upload") -> tuple[int, list[int]]:
        """Enqueue a batch; gives its id and those of its jobs."""
        async with self.connection.transaction():
            made = await self.run(create_batch(name, jobs))
        return made.id, [job.id for job in made.jobs]

    async def queue(self, name: str = "default") -> int:
        """The id of a queue."""
        return (await self.run(ensure_queues([name])))[name]

    async def register(self, *queues: str, timeout_seconds: float = HEARTBEAT_TIMEOUT_SECONDS) -> int:
        """Register a worker."""
        ids = await self.run(ensure_queues(queues or ["default"]))
        new = Registration(
            hostname="host",
            pid=4711,
            version="1",
            queue_ids=list(ids.values()),
            slots=10,
            timeout_seconds=timeout_seconds,
        )
        return await self.run(register(new))

    async def claim(self, worker: int, count: int = 1, queue: str = "default") -> list[ClaimedJob]:
        """Claim up to *count* jobs of a queue."""
        return await self.run(claim(worker, {await self.queue(queue): count}))

    async def claim_one(self, worker: int, queue: str = "default") -> ClaimedJob:
        """Claim the next job, which there must be."""
        (job,) = await self.claim(worker, queue=queue)
        return job

    async def succeed_and_claim(
        self,
        worker: int,
        jobs: Sequence[ClaimedJob],
        floors: Sequence[Floor] = (),
        wanted: dict[int, int] | None = None,
    ) -> RoundTrip:
        """Record successes and claim."""
        return await self.run(succeed_and_claim(worker, jobs, floors, wanted or {}))

    async def finish(self, *jobs: ClaimedJob, outcome: Outcome = SUCCEEDED) -> list[int]:
        """Record the same outcome for *jobs*; gives those refused."""
        return await self.run(finish([Ended(job.id, job.token, outcome) for job in jobs]))

    async def cancel(self, *ids: int) -> Cancelled:
        """Cancel jobs."""
        return await self.run(cancel(ids))

    async def retry(self, *ids: int) -> list[int]:
        """Retry jobs."""
        return await self.run(retry(ids))

    async def promote(self) -> Promoted:
        """Promote what is due."""
        return await self.run(promote())

    async def rescue(self, worker: int = 0, grace_seconds: float = GRACE_SECONDS) -> list[Rescued]:
        """Rescue as *worker* (0: one that is not registered)."""
        return await self.run(rescue(worker, grace_seconds))

    async def job(self, id_: int) -> Job:
        """The job as people see it."""
        (job,) = await self.run(get_jobs([id_]))
        return job

    # -- the tables ----------------------------------------------------------------------------------------------------

    async def row(self, table: str, job_id: int) -> asyncpg.Record | None:
        """A job's row in one table."""
        return await self.connection.fetchrow(f"select * from dibs.{table} where job_id = $1", job_id)

    async def ids(self, table: str) -> list[int]:
        """The jobs in one table."""
        return [row[0] for row in await self.connection.fetch(f"select job_id from dibs.{table} order by job_id")]

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return await self.connection.fetchval(f"select count(*) from dibs.{table}")

    async def until_blocked(self, other: "Engine") -> None:
        """Return once *other* waits for a lock."""
        sql = "select cardinality(pg_blocking_pids($1)) > 0"
        await eventually(lambda: self.connection.fetchval(sql, other.pid), what="waits for a lock")

    async def everything(self) -> dict[str, list[asyncpg.Record]]:
        """The content of every table that an ending could touch: to show that nothing has changed."""
        tables = ("ready", "scheduled", "lease", "done", "attempt_error", "batch", "batch_delta", "progress")
        return {name: await self.connection.fetch(f"select * from dibs.{name} t order by t") for name in tables}


class Ear:
    """Hears notifications, and knows when it has heard all that were sent so far."""

    def __init__(self, sender: asyncpg.Connection, schema: str) -> None:
        self._sender = sender
        self._schema = schema
        self._heard: list[tuple[str, str]] = []

    @classmethod
    async def listen(cls, connection: asyncpg.Connection, sender: asyncpg.Connection, schema: str = "dibs") -> Self:
        """Listen on *connection* to all channels of dibs; *sender* is any other connection."""
        ear = cls(sender, schema)
        for name in (channel(schema, "wake"), channel(schema, "cancel"), channel(schema, "batch"), "the_end"):
            await connection.add_listener(name, lambda _c, _p, name, payload: ear._heard.append((name, payload)))
        return ear

    async def heard(self, name: str) -> list[str]:
        """The payloads that came on one channel since the last call; what has been committed by now is among them."""
        await self._sender.execute("notify the_end")
        await eventually(lambda: ("the_end", "") in self._heard, what="the last notification")
        payloads = [payload for heard, payload in self._heard if heard == channel(self._schema, name)]
        self._heard.clear()
        return payloads


Connect = Callable[[], Awaitable[Engine]]


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Connect]:
    """Further engines, each on a connection like a worker's."""
    async with contextlib.AsyncExitStack() as stack:

        async def connect_one() -> Engine:
            connection = await asyncpg.connect(database_url, server_settings=WORKER_SETTINGS)
            stack.push_async_callback(connection.close)
            return Engine(connection)

        yield connect_one


@pytest.fixture
async def engine(connect: Connect) -> Engine:
    """The engine on a connection like a worker's."""
    return await connect()


@pytest.fixture
async def ear(connect: Connect) -> Ear:
    """Hears what is notified from now on."""
    return await Ear.listen((await connect()).connection, (await connect()).connection)


@pytest.fixture(autouse=True)
async def conserved(database_url: str) -> AsyncIterator[None]:
    """After every test: each job is in exactly one place, and batches count the truth."""
    yield
    connection = await asyncpg.connect(database_url)
    await assert_conserved(connection)
    await connection.close()
