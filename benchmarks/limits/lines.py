"""A line of ready jobs and a registered worker, for those who drain it without being dibs' worker."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from benchmarks.ground import SCHEMA, Ground, copy_job
from dibs.bench.stage.sending import make_payload
from dibs.bench.systems.dibs_system import task
from dibs.domain.job import NewJob
from dibs.engine.claim import Floor
from dibs.engine.enqueue import enqueue
from dibs.engine.liveness import Registration, ensure_queues, register
from dibs.storage.sessions.on_asyncpg import OnAsyncpg

QUEUE: Final = "bench"


class Held(NamedTuple):
    """What of a claimed job its ending needs."""

    id: int
    token: int


@dataclass(frozen=True, slots=True)
class Line:
    """Ready jobs with ids that follow each other, all of one priority, and a worker to drain them."""

    ids: range
    queue_id: int
    worker_id: int

    def batches(self, size: int) -> Iterator[range]:
        """The ids, *size* at a time."""
        return (self.ids[start : start + size] for start in range(0, len(self.ids), size))

    def floor(self, job_id: int) -> Floor:
        """Begin at *job_id*."""
        return Floor(self.queue_id, 0, job_id)


def new_job(number: int, *, payload_bytes: int) -> NewJob:
    """A job as the scenarios enqueue it, with a number and some bytes."""
    return task.job(number=number, payload=make_payload(payload_bytes))


async def enqueue_one(ground: Ground, *, payload_bytes: int) -> int:
    """Enqueue the first job, number 0, as anybody would; gives its id."""
    session = OnAsyncpg(ground.db, SCHEMA)
    return (await session.run(enqueue([new_job(0, payload_bytes=payload_bytes)])))[0].id


async def fill(ground: Ground, jobs: int, *, payload_bytes: int) -> Line:
    """Put *jobs* jobs in line, register a worker, and let the tables settle."""
    session = OnAsyncpg(ground.db, SCHEMA)
    queue_id = (await session.run(ensure_queues([QUEUE])))[QUEUE]
    first = await enqueue_one(ground, payload_bytes=payload_bytes)
    await copy_job(ground, first, jobs - 1)
    worker = Registration(hostname="bench", pid=0, version="0", queue_ids=[queue_id], slots=1, timeout_seconds=3600.0)
    worker_id = await session.run(register(worker))
    await ground.settle()
    return Line(range(first, first + jobs), queue_id, worker_id)


async def written(ground: Ground, jobs: int) -> str | None:
    """What is wrong with tables that should hold *jobs* jobs in line."""
    row = await ground.db.fetchrow("select (select count(*) from job) as jobs, (select count(*) from ready) as ready")
    assert row is not None  # noqa: S101 - an aggregate has a row
    return (
        None if row["jobs"] == row["ready"] == jobs else f"expected {jobs}, got {row['jobs']}, {row['ready']} in line"
    )


async def drained(ground: Ground) -> str | None:
    """What is wrong with a line that should be drained; nothing when every job has one ending."""
    row = await ground.db.fetchrow(
        "select (select count(*) from job) as jobs, (select count(*) from done where outcome = 's') as done,"
        " (select count(*) from ready) as ready, (select count(*) from lease) as leases"
    )
    assert row is not None  # noqa: S101 - an aggregate has a row
    if row["jobs"] == row["done"] and not row["ready"] and not row["leases"]:
        return None
    return f"{row['jobs']} jobs, {row['done']} succeeded, {row['ready']} in line, {row['leases']} leased"
