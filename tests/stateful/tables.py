"""What the tables say, in the model's words."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from stateful.model import Done, Place, Ready, Running, Scheduled

# One statement, since this is read after each step.
_EVERYTHING = """
select array(select (job_id, attempt, lost) from dibs.ready),
       array(select (job_id, attempt, lost, run_at, reason) from dibs.scheduled),
       array(select (job_id, attempt, lost, token, worker_id, leased_at) from dibs.lease),
       array(select (job_id, attempt, outcome::text, worker_id, started_at, finished_at) from dibs.done),
       array(select (job_id, count(*)) from dibs.attempt_error group by job_id),
       array(select (job_id, completed, total) from dibs.progress),
       array(select job_id from dibs.cancel_request),
       array(select (id, heartbeat_at, locked, asleep) from dibs.worker),
       (select (coalesce(holder, 0), nullif(turn_until, '-infinity')) from dibs.pruner),
       array(select r.job_id from dibs.ready r join dibs.job j on j.id = r.job_id
             where (r.queue_id, r.priority, r.batch_id) is distinct from (j.queue_id, j.priority, j.batch_id)
             union all
             select l.job_id from dibs.lease l join dibs.job j on j.id = l.job_id
             where l.batch_id is distinct from j.batch_id)
"""


@dataclass
class Tables:
    """The content of the tables."""

    places: dict[int, Place]
    errors: dict[int, int]
    progress: dict[int, tuple[int, int | None]]
    wishes: set[int]
    workers: dict[int, tuple[datetime, bool, bool]]
    turn: tuple[int, datetime | None]
    contradictions: list[int]
    """Jobs of which a place says something else than the job itself."""


async def read(connection: asyncpg.Connection) -> Tables:
    """Read them all."""
    (row,) = await connection.fetch(_EVERYTHING)
    ready, scheduled, leases, done, errors, progress, wishes, workers, turn, contradictions = row
    places: dict[int, Place] = {}
    for kind, rows in ((Ready, ready), (Scheduled, scheduled), (Running, leases), (Done, done)):
        places |= {job_id: kind(*rest) for job_id, *rest in rows}
    return Tables(
        places=places,
        errors=dict(errors),
        progress={job_id: (completed, total) for job_id, completed, total in progress},
        wishes={*wishes},
        workers={id_: tuple(rest) for id_, *rest in workers},
        turn=tuple(turn),
        contradictions=contradictions,
    )
