"""The hot statements, with real parameters, and what each may cost.

Hot is what is sent for each handful of jobs, for each heartbeat, or once for each call of an application. What a worker
sends every 15 or 30 seconds (rescue, disown, tidying up) is guarded, too, but may read all leases: there are never
more of them than slots and jobs claimed ahead. Not guarded is what people wait for (`jobs/list`,
`queues/status`, `workers/list`) and what is sent once in the life of a process or a queue (`workers/register`,
`queues/ensure`).

Pages are those that were seen with a million jobs in line, and about a quarter more: the older servers visit some that
newer ones need not.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from dibs.storage import statements
from dibs.storage.statement import Query
from support.filled import URGENT, Filling
from support.plans import Guard

JOBS: Final = 100
"""Handled in each statement."""

QUEUE: Final = 1
WORKER: Final = 2
"""The first queue, and a worker that serves it."""

LINE: Final = {"ready_in_claim_order", "Tid Scan"}
LEASE: Final = {"lease_pkey", "Tid Scan"}
JOB: Final = {"job_pkey"}
BITMAP: Final = "Bitmap Heap Scan"
CLAIM: Final = {"ready": LINE, "lease": LEASE, "job": JOB}


def of_workers(filling: Filling) -> list[Guard]:
    """What workers send."""
    held, tokens = filling.leased(JOBS), filling.tokens(JOBS)
    n = len(held)
    zeros, nulls = [0] * n, [None] * n
    outcomes = (["s", "f", "r", "h"] * n)[:n]
    endings = statements.JOBS_FINISH(held, tokens, outcomes, [5.0] * n, nulls, nulls, nulls)
    reports = statements.JOBS_REPORT_PROGRESS(held, tokens, zeros, nulls, nulls)
    return [
        Guard(query=statements.JOBS_CLAIM(WORKER, [QUEUE], [JOBS]), jobs=JOBS, pages_per_job=16, ways=CLAIM),
        *claims_from(filling, floor=1),
        Guard(query=endings, jobs=JOBS, pages_per_job=16, ways={"lease": LEASE, "job": JOB}),
        promotion_since(None),
        Guard(query=reports, jobs=JOBS, pages_per_job=12, ways={"lease": LEASE}),
        heartbeat_since(filling, None),
        Guard(query=statements.WORKERS_SET_ASLEEP(WORKER, True)),
    ]


def claims_from(filling: Filling, *, floor: int) -> list[Guard]:
    """One round trip of a worker at full speed, and its halves: only to claim, and only to record."""
    return [
        Guard(query=succeed_and_claim(filling, floor=floor), jobs=JOBS, pages_per_job=27, ways=CLAIM),
        Guard(query=succeed_and_claim(filling, floor=floor, ended=0), jobs=JOBS, pages_per_job=16, ways=CLAIM),
        Guard(query=succeed_and_claim(filling, floor=floor, wanted=0), jobs=JOBS, pages_per_job=13, ways=CLAIM),
    ]


def promotion_since(since: datetime | None) -> Guard:
    """What is due goes in line."""
    due = {"scheduled": {"scheduled_by_time", "Tid Scan"}, "job": JOB}
    return Guard(query=statements.JOBS_PROMOTE(JOBS, since), jobs=JOBS, pages_per_job=16, ways=due)


def heartbeat_since(filling: Filling, since: datetime | None) -> Guard:
    """A worker's sign of life."""
    beat = {"scheduled": {"scheduled_by_time"}, "ready": {"ready_in_claim_order"}, "lease": {"lease_pkey"}}
    query = statements.WORKERS_HEARTBEAT(WORKER, True, 2.5, since)
    return Guard(query=query, jobs=filling.wishes, pages_per_job=4, ways=beat)


def of_upkeep(filling: Filling) -> list[Guard]:
    """What workers send now and then: it may read all leases, deltas and wishes, never all jobs."""
    leases = frozenset({"lease"})
    pages = 60 + filling.others // 50
    wishes = {"lease": LEASE, "done": {"done_pkey"}}
    return [
        Guard(query=statements.JOBS_RESCUE(WORKER, 2.5), pages_alone=pages, whole=leases),
        Guard(query=statements.JOBS_DISOWN(WORKER, filling.all_tokens()), pages_alone=pages, whole=leases),
        Guard(query=statements.BATCHES_FOLD(), jobs=min(filling.others, 1000), pages_per_job=20),
        Guard(query=statements.JOBS_MISSED_CANCELS(), jobs=filling.wishes, pages_per_job=8, ways=wishes),
        Guard(query=statements.WORKERS_TIDY(), jobs=filling.wishes, pages_per_job=8, ways=wishes),
    ]


def of_applications(filling: Filling) -> list[Guard]:
    """What applications send, over connections that are set up as they please."""
    somewhere = [*filling.in_line(40), *filling.later(30), *filling.leased(30)]
    dead = [*filling.failed(50), *filling.later(50)]
    # a bitmap of the few pages that an index names is as good as going to them one by one
    places = {
        "ready": LINE,
        "scheduled": {"scheduled_pkey", "Tid Scan", BITMAP},
        "lease": {*LEASE, BITMAP},
        "job": {*JOB, BITMAP},
    }
    ended = {"done": {"done_pkey", "done_dead_letters", "Tid Scan", BITMAP}, "job": {*JOB, BITMAP}}
    watcher = UUID(int=7)
    return [
        Guard(query=enqueue_one(), pages_per_job=15),
        Guard(query=enqueue(1), pages_per_job=17),
        Guard(query=enqueue(JOBS), jobs=JOBS, pages_per_job=10),
        Guard(query=statements.JOBS_CANCEL(somewhere, False), jobs=JOBS, pages_per_job=18, ways=places),
        Guard(query=statements.JOBS_RETRY(dead), jobs=JOBS, pages_per_job=17, ways=ended),
        Guard(query=statements.BATCHES_CREATE("upload", 10)),
        # how many run is counted in the leases
        Guard(query=statements.BATCHES_PROGRESS(1), pages_alone=60 + filling.others // 50, whole=frozenset({"lease"})),
        Guard(query=statements.BATCHES_WATCH(1, watcher, 30.0)),
        Guard(query=statements.BATCHES_UNWATCH(1, watcher)),
    ]


def of_lookups(filling: Filling) -> list[Guard]:
    """How applications look at jobs whose ids they know."""
    somewhere = [*filling.in_line(40), *filling.later(30), *filling.leased(30)]
    return [
        Guard(query=statements.JOBS_GET(somewhere), jobs=JOBS, pages_per_job=42, ways={"job": JOB}),
        Guard(query=statements.JOBS_GET(somewhere[:1]), pages_per_job=42, ways={"job": JOB}),
    ]


def enqueue(count: int) -> Query:
    """Jobs for two queues, one in ten of them later."""
    nulls = [None] * count
    return statements.JOBS_ENQUEUE(
        ["tests.task"] * count,
        ["{}"] * count,
        [1 + n % 2 for n in range(count)],
        [0] * count,
        [3] * count,
        nulls,
        nulls,
        nulls,
        [60.0 if n % 10 == 9 else None for n in range(count)],
        nulls,
        nulls,
        ["default", "other"],
    )


def enqueue_one() -> Query:
    """One job that is due at once."""
    return statements.JOBS_ENQUEUE_ONE("tests.task", "{}", "default", 0, 3, None, None, None)


def succeed_and_claim(filling: Filling, *, floor: int, ended: int = JOBS, wanted: int = JOBS) -> Query:
    """Of the urgent jobs all have been claimed, of the others those before *floor*."""
    floors = ([QUEUE, QUEUE], [URGENT, 0], [filling.ready + 1, floor])
    held = (filling.leased(ended), filling.tokens(ended))
    return statements.JOBS_SUCCEED_AND_CLAIM(WORKER, *held, *floors, [QUEUE], [wanted])
