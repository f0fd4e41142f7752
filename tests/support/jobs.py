"""What tests ask about jobs."""

import asyncpg

from dibs import Dibs, Job, JobState
from support.waiting import eventually


async def in_state(app: Dibs, job_id: int, state: JobState, **options: float) -> Job:
    """The job, once it stands there."""

    async def look() -> Job | None:
        job = await app.job(job_id)
        return job if job is not None and job.state is state else None

    return await eventually(look, what=f"job {job_id} {state}", **options)


async def all_done(db: asyncpg.Connection, count: int, **options: float) -> None:
    """Once so many jobs have ended."""
    await eventually(lambda: _ended(db, count), what=f"{count} jobs ended", **options)


async def _ended(db: asyncpg.Connection, count: int) -> bool:
    return await db.fetchval("select count(*) from dibs.done") >= count


async def effects(db: asyncpg.Connection, job_id: int) -> list[str]:
    """What the job did, in order."""
    return [row[0] for row in await db.fetch("select what from effect where job_id = $1 order by ctid", job_id)]
