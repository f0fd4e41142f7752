"""COPY: what goes in by COPY looks exactly as if it had gone in by arrays."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from dibs.domain.job import NewJob
from dibs.domain.limits import COPY_ROWS_MIN
from dibs.domain.retry import Retry
from dibs.engine.batch import batch_progress
from dibs.engine.enqueue import enqueue
from support.engine import Engine, new_job

SOON = datetime.now(UTC) + timedelta(days=1)
KINDS: list[dict[str, Any]] = [
    {},
    {"queue": "mail", "priority": -32768},
    {"args_json": r'{"nul": "\u0000", "text": "tab\tnewline\n\\ \"q\" é 🦊"}', "priority": 32767},
    {"tags": ("plain", 'quote " comma, brace { back \\ slash', "NULL", "naïve")},
    {"retry": Retry(delays=[1, 2.5]), "max_attempts": 3, "timeout_seconds": 0.25},
    {"delay_seconds": 3600.0},
    {"delay_seconds": 0.0},
    {"delay_seconds": -1.0},
    {"run_at": SOON, "queue": "later"},
    {"run_at": datetime(2001, 1, 1, tzinfo=UTC)},
    {"task": "täsk"},
]


async def rows(connection: asyncpg.Connection, first: int, count: int) -> list[tuple[Any, ...]]:
    """All that is stored of some jobs, but for what can not be the same: ids, batches and moments."""
    found = await connection.fetch(
        """select j.id - $1 as nth, j.queue_id, j.priority, j.max_attempts, j.timeout_seconds, j.task, j.args::text,
                  j.retry::text, j.tags, r.queue_id, r.priority, r.attempt, r.lost, s.attempt, s.lost, s.reason,
                  case when s.run_at > j.enqueued_at + interval '2 hours' then s.run_at::text
                       else round(extract(epoch from s.run_at - j.enqueued_at))::text end
           from dibs.job j left join dibs.ready r on r.job_id = j.id left join dibs.scheduled s on s.job_id = j.id
           where j.id >= $1 and j.id < $1 + $2 order by j.id""",
        first,
        count,
    )
    return [tuple(row) for row in found]


async def enqueued(engine: Engine, jobs: list[NewJob]) -> list[int]:
    async with engine.connection.transaction():
        made = await engine.run(enqueue(jobs))
    assert [(job.task, job.queue) for job in made] == [(job.task, job.queue) for job in jobs]
    return [job.id for job in made]


async def test_copied_jobs_are_what_arrays_would_have_written(engine: Engine):
    kinds = [new_job(**fields) for fields in KINDS]
    by_arrays = await enqueued(engine, kinds)
    many = kinds * (COPY_ROWS_MIN // len(kinds) + 1)
    by_copy = await enqueued(engine, many)
    assert by_copy == list(range(by_copy[0], by_copy[0] + len(many)))
    expected = await rows(engine.connection, by_arrays[0], len(kinds))
    found = await rows(engine.connection, by_copy[0], len(many))
    for start in range(0, len(many), len(kinds)):
        part = [(row[0] - start, *row[1:]) for row in found[start : start + len(kinds)]]
        assert part == expected


async def test_a_copied_batch_counts_its_jobs(engine: Engine):
    batch, ids = await engine.batch(*[new_job()] * COPY_ROWS_MIN)
    found = await engine.run(batch_progress(batch))
    assert found is not None
    assert (found.total, found.waiting) == (COPY_ROWS_MIN, COPY_ROWS_MIN)
    jobs = await engine.claim(await engine.register(), 5)
    assert [(job.id, job.batch_id) for job in jobs] == [(id_, batch) for id_ in ids[:5]]


async def test_a_copy_that_fails_leaves_nothing(engine: Engine):
    bad = [*[new_job()] * COPY_ROWS_MIN, new_job(args_json="{")]
    with pytest.raises(asyncpg.PostgresError):
        await enqueued(engine, bad)
    assert [await engine.count(table) for table in ("job", "ready", "queue")] == [0, 0, 0]


async def test_the_databases_clock_counts_for_copied_jobs_too(engine: Engine):
    await engine.move_clock("10 days")
    run_at = await engine.connection.fetchval("select now() + interval '5 days'")
    await enqueued(engine, [new_job(run_at=run_at)] * COPY_ROWS_MIN)
    assert await engine.count("ready") == COPY_ROWS_MIN
