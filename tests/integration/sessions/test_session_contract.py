"""What every session promises, whatever the caller's connection is."""

import json
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from dibs.domain.job import NewJob
from dibs.domain.limits import COPY_ROWS_MIN, ENQUEUE_ROWS_MAX
from dibs.domain.retry import Retry
from dibs.engine.batch import create_batch
from dibs.engine.enqueue import enqueue
from dibs.engine.inspect import get_jobs
from dibs.storage.session import Operation
from dibs.storage.statement import Copy
from support.callers import Caller

LATER = datetime(2222, 2, 2, 22, 22, 22, 222222, tzinfo=UTC)
ODD = 'tab\t newline\n backslash\\ quote" comma, brace} null \N{SNOWMAN} \\N'
MANY = COPY_ROWS_MIN + 3
FEW_BUT_COPIED = 61


@pytest.fixture(autouse=True)
def copy_a_few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the number of rows is not the point, a few are copied already, to save time."""
    if "count" not in request.fixturenames or request.getfixturevalue("count") == FEW_BUT_COPIED:
        monkeypatch.setattr("dibs.engine.enqueue.COPY_ROWS_MIN", FEW_BUT_COPIED)


def job(n: int = 0, **settings: object) -> NewJob:
    return NewJob(**{"task": "app:task", "args_json": json.dumps({"n": n}), "queue": "q", **settings})


def mixture(count: int) -> list[NewJob]:
    """Jobs with every setting, set and unset, so that each parameter is a list of values and nulls."""
    varied = [
        job(args_json=r'{"text":"a\u0000b"}'),
        job(args_json=json.dumps({ODD: ODD}), tags=(ODD, "null", "{}")),
        job(timeout_seconds=3600, max_attempts=7, priority=-32768),
        job(timeout_seconds=0.25, priority=32767, queue="other"),
        job(run_at=LATER),
        job(delay_seconds=3600),
        job(delay_seconds=0.0, retry=Retry(delays=[1, 2.5])),
    ]
    return [varied[n % len(varied)] for n in range(count)]


async def counts(observer: asyncpg.Connection) -> dict[str, int]:
    tables = ("queue", "job", "ready", "scheduled", "batch")
    return {table: await observer.fetchval(f"select count(*) from dibs.{table}") for table in tables}


NOTHING = {"queue": 0, "job": 0, "ready": 0, "scheduled": 0, "batch": 0}


async def test_jobs_are_seen_when_the_caller_commits(caller: Caller, observer: asyncpg.Connection) -> None:
    [enqueued] = await caller.run(enqueue([job()]))
    assert await counts(observer) == NOTHING
    await caller.commit()
    assert await counts(observer) == {**NOTHING, "queue": 1, "job": 1, "ready": 1}
    assert await observer.fetchval("select id from dibs.job") == enqueued.id


async def test_jobs_and_the_callers_own_rows_are_one_transaction(caller: Caller, observer: asyncpg.Connection) -> None:
    await observer.execute("create table document (name text)")
    await caller.sql("insert into document values ('one') returning name")
    await caller.run(enqueue([job()]))
    await caller.sql("insert into document values ('two') returning name")
    assert await observer.fetchval("select count(*) from document") == 0
    await caller.commit()
    assert await observer.fetchval("select count(*) from document") == 2
    assert (await counts(observer))["job"] == 1


@pytest.mark.parametrize("count", [1, 50, FEW_BUT_COPIED])
async def test_a_rollback_leaves_nothing(caller: Caller, observer: asyncpg.Connection, count: int) -> None:
    await caller.run(create_batch("upload", mixture(count)))
    await caller.rollback()
    assert await counts(observer) == NOTHING


@pytest.mark.parametrize("count", [50, ENQUEUE_ROWS_MAX + 1, MANY])
async def test_jobs_come_back_as_they_were_in_the_order_they_were_given(
    caller: Caller, observer: asyncpg.Connection, count: int
) -> None:
    jobs = mixture(count)
    batch = await caller.run(create_batch("upload", jobs))
    await caller.commit()
    ids = [enqueued.id for enqueued in batch.jobs]
    assert ids == sorted(set(ids))
    rows = await observer.fetch(
        "select j.*, j.args::text as args_text, j.retry::text as retry_text, v.queue, v.state, v.run_at"
        " from dibs.job j join dibs.jobs v on v.id = j.id order by j.id"
    )
    assert [row["id"] for row in rows] == ids
    for row, given in zip(rows, jobs, strict=True):
        assert row["args_text"] == given.args_json
        assert (row["task"], row["queue"], row["priority"]) == (given.task, given.queue, given.priority)
        assert (row["max_attempts"], row["timeout_seconds"]) == (given.max_attempts, given.timeout_seconds)
        assert tuple(row["tags"] or ()) == given.tags
        assert (row["retry_text"] is None) == (given.retry is None)
        assert row["batch_id"] == batch.id
        if given.run_at:
            assert (row["state"], row["run_at"]) == ("scheduled", given.run_at)
        elif given.delay_seconds:
            assert row["state"] == "scheduled"
            assert row["run_at"] - row["enqueued_at"] == timedelta(seconds=given.delay_seconds)
        else:
            assert row["state"] == "ready"


async def test_arguments_are_read_back_with_nul_characters(caller: Caller) -> None:
    [enqueued] = await caller.run(enqueue([job(args_json=r'{"text":"a\u0000b"}')]))
    [found] = await caller.run(get_jobs([enqueued.id]))
    assert found.args == {"text": "a\x00b"}


@pytest.mark.parametrize("count", [1, FEW_BUT_COPIED])
async def test_a_savepoint_takes_back_its_own_jobs_only(
    caller: Caller, observer: asyncpg.Connection, count: int
) -> None:
    [kept] = await caller.run(enqueue([job()]))
    async with caller.undone_savepoint():
        await caller.run(enqueue([job(queue="other")] * count))
    await caller.commit()
    assert await counts(observer) == {**NOTHING, "queue": 1, "job": 1, "ready": 1}
    assert await observer.fetchval("select id from dibs.job") == kept.id


async def test_a_copy_joins_a_transaction_that_has_not_sent_a_statement_yet(
    caller: Caller, observer: asyncpg.Connection
) -> None:
    def only_copy() -> Operation[None]:
        yield Copy("ready", ("job_id", "queue_id", "priority", "attempt", "lost"), ["1\t1\t0\t0\t0"])

    await caller.run(only_copy())
    assert await counts(observer) == NOTHING
    await caller.rollback()
    assert await counts(observer) == NOTHING


async def test_an_error_leaves_the_transaction_to_the_caller(caller: Caller, observer: asyncpg.Connection) -> None:
    await caller.run(enqueue([job()]))
    with pytest.raises(Exception, match="queue_name_check"):
        await caller.run(enqueue([job(queue="not a name")]))
    with pytest.raises(Exception, match="transaction is aborted"):
        await caller.sql("select 1")
    await caller.rollback()
    assert await counts(observer) == NOTHING


@pytest.mark.parametrize("count", [1, FEW_BUT_COPIED])
async def test_an_error_in_a_savepoint_costs_the_savepoint_only(
    caller: Caller, observer: asyncpg.Connection, count: int
) -> None:
    await caller.run(enqueue([job()]))
    async with caller.undone_savepoint():
        with pytest.raises(Exception, match="invalid input syntax for type json"):
            await caller.run(enqueue([job(args_json="{not json")] * count))
    assert await caller.sql("select 1") == 1
    await caller.commit()
    assert await counts(observer) == {**NOTHING, "queue": 1, "job": 1, "ready": 1}


async def test_text_that_postgres_can_not_store_is_refused(caller: Caller) -> None:
    with pytest.raises(Exception, match=r"(?i)nul|0x00"):
        await caller.run(enqueue([job(task="a\x00b")]))


async def test_the_callers_connection_keeps_its_settings(caller: Caller) -> None:
    before = [await caller.sql("select '[1]'::json"), await caller.sql("select '[1]'::jsonb")]
    await caller.run(enqueue(mixture(FEW_BUT_COPIED)))
    await caller.run(enqueue(mixture(7)))
    assert [await caller.sql("select '[1]'::json"), await caller.sql("select '[1]'::jsonb")] == before
