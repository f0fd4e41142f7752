"""What each kind of role can do, and what it can not."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator

import asyncpg
import pytest

from dibs import Dibs, JobState
from dibs.domain.limits import COPY_ROWS_MIN
from dibs.storage.embedded import bin_folder
from support.callers import CALLERS
from support.cli import Cli, execute, fetch
from support.engine import Engine, new_job
from support.grants import Grant, refused, role_of

OWNERS = (
    "create table dibs.mine (id int)",
    "create table public.mine (id int)",
    "drop table dibs.job",
    "drop view dibs.jobs",
    "drop schema dibs cascade",
    "alter table dibs.job add column mine int",
    "create or replace function dibs.clock() returns timestamptz language sql as 'select now()'",
    "insert into dibs.migration values (99, 'x')",
    "create trigger mine before insert on dibs.job execute function suppress_redundant_updates_trigger()",
    *(f"truncate dibs.{table}" for table in ("job", "ready", "scheduled", "lease", "done", "worker", "batch")),
    "update dibs.job set task = 'x'",
    "update dibs.job set args = '{}'",
    "update dibs.queue set name = 'x'",
    "delete from dibs.queue",
)
"""What only the owner may."""

RUNNING = (
    "select * from dibs.ready for update",
    "delete from dibs.ready",
    "insert into dibs.lease (job_id, token, worker_id, leased_at, attempt, lost) values (1, 1, 1, now(), 1, 0)",
    "select nextval('dibs.lease_token')",
    "insert into dibs.worker select * from dibs.worker",
    "update dibs.worker set heartbeat_at = now()",
    "delete from dibs.worker",
    "delete from dibs.lease",
    "update dibs.lease set token = 1",
)
"""What only a worker does."""

ENDING = (
    "insert into dibs.done (job_id, finished_at, attempt, outcome) values (1, now(), 1, 's')",
    "delete from dibs.done",
    "delete from dibs.job",
    "insert into dibs.cancel_request values (1, now())",
    "delete from dibs.scheduled",
    "delete from dibs.attempt_error",
    "update dibs.pruner set holder = 1",
    "delete from dibs.retention",
)
"""What workers and operators do to jobs."""

WRITING = (
    "insert into dibs.job (queue_id, priority, max_attempts, task, args) values (1, 0, 1, 'x', '{}')",
    "insert into dibs.queue (name) values ('x')",
    "insert into dibs.batch (name, total, created_at) values ('x', 1, now())",
    "select nextval('dibs.job_id')",
)
"""What only a producer does."""

OTHERS = (
    "select args from dibs.job",
    "select token from dibs.lease",
    "select * from dibs.attempt_error",
)
"""What is nobody's business but the worker's."""


@pytest.fixture
async def app(grant: Grant) -> AsyncIterator[Dibs]:
    """The app of a producer."""
    async with Dibs(grant("producer")) as app:
        yield app


async def test_a_producer_enqueues_by_every_path_and_sees_what_became_of_it(app: Dibs):
    many = [new_job()] * 3
    [one] = await app.enqueue_many([new_job("a-new-queue")])
    await app.enqueue_many([*many, new_job(delay_seconds=60.0)])
    await app.enqueue_many([new_job()] * COPY_ROWS_MIN + [new_job(delay_seconds=60.0)])
    await asyncio.to_thread(app.enqueue_many_sync, many)
    batch = await app.batch("upload", many)
    assert (await app.job(one.id)).state is JobState.READY
    assert len(await app.jobs(batch_id=batch.id)) == 3
    assert (await app.batch_progress(batch.id)).total == 3
    async for progress in app.watch_batch(batch.id):
        assert progress.total == 3
        break


@pytest.mark.parametrize("kind", CALLERS)
async def test_a_producer_enqueues_in_transactions_of_every_driver(grant: Grant, kind: str):
    url = grant("producer")
    app = Dibs(url)
    async with CALLERS[kind](url) as caller:
        if "run-sync" in kind or kind == "psycopg-sync" or kind.startswith("sqlalchemy-sync"):
            from dibs.engine.enqueue import enqueue

            await caller.run(enqueue([new_job()] * 2))
        else:
            await app.enqueue_many([new_job()] * 2, connection=caller.connection)
            await app.batch("mine", [new_job()] * 2, connection=caller.connection)
        await caller.commit()
    await app.close()


async def test_a_producer_can_not_claim_end_cancel_or_remove_jobs(app: Dibs):
    await app.enqueue_many([new_job()])
    more = ("select * from dibs.done", "select hostname from dibs.worker", "delete from dibs.batch")
    await refused(app.database_url, *OWNERS, *RUNNING, *ENDING, *OTHERS, *more)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.cancel([1])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.retry([1])


async def test_a_worker_can_not_enqueue_and_does_not_own(grant: Grant):
    url = grant("worker")
    writing = [statement for statement in WRITING if "dibs.queue" not in statement]  # it may make those it serves
    await refused(
        url, *OWNERS, *writing, "insert into dibs.cancel_request values (1, now())", "select * from dibs.jobs"
    )


def test_a_reader_reads_jobs_and_status_and_nothing_else(grant: Grant, database_url: str):
    url = grant("reader")
    asyncio.run(_fill(database_url))
    reader = Cli(url)
    assert json.loads(reader("status", "--json").stdout)["queues"][0]["ready"] == 2
    reader("status", "--check", code=1)
    reader("jobs", "list", "--json")
    assert "a secret argument" in reader("jobs", "show", "1").output
    reader("migrate", "status", "--check")
    reader("health", code=1)
    for refused_verb in (["jobs", "cancel", "1"], ["jobs", "retry", "1"], ["prune"]):
        assert "permission denied" in reader(*refused_verb, code=2).output
    asyncio.run(
        refused(
            url,
            *OWNERS,
            *RUNNING,
            *ENDING,
            *WRITING,
            *OTHERS,
            "update dibs.queue set created_at = now()",
        )
    )


def test_an_operator_cancels_retries_and_prunes_and_runs_nothing(grant: Grant, database_url: str):
    url = grant("operator")
    asyncio.run(_fill(database_url))
    operator = Cli(url)
    operator("jobs", "cancel", "1", "2")
    operator("jobs", "retry", "1")
    operator("jobs", "cancel", "--queue", "default", "--yes")
    operator("jobs", "list")
    operator("status")
    assert "2 jobs would be pruned" in operator("prune", "--dry-run", "--older-than", "0s").output
    assert "2 jobs pruned" in operator("prune", "--older-than", "0s", "--yes").output
    execute(url, "delete from dibs.retention")
    asyncio.run(refused(url, *OWNERS, *WRITING, *(s for s in RUNNING if "dibs.ready" not in s)))


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    await Engine(connection).enqueue(new_job(args_json='{"x": "a secret argument"}'), new_job())
    await connection.close()


def test_kinds_add_up_and_a_grant_takes_away_what_is_not_named(grant: Grant, database_url: str):
    url = grant("producer", "operator")
    role = role_of(url)
    both = [WRITING[1], ENDING[1]]
    for statement in both:
        execute(url, statement)
    owner = Cli(database_url)
    for _ in range(2):
        assert "is now reader in schema 'dibs'" in owner("grant", "reader", "--to", role).output
        asyncio.run(refused(url, *both))


@pytest.mark.parametrize("schema", ['it\'s "Mine"', "/*role*/"])
def test_a_role_gets_rights_in_the_schema_that_is_named_by_command_and_by_script(
    grant: Grant, database_url: str, schema: str
):
    owner = Cli(database_url)
    owner("--schema", schema, "migrate")
    url = grant("operator", schema=schema)
    Cli(url)("--schema", schema, "status")
    assert "may not use the tables in schema 'dibs'" in Cli(url)("status", code=2).output
    other = grant()
    role = role_of(other)
    printed = owner("--schema", schema, "grant", "reader", "--to", role, "--sql").stdout
    assert "may not use" in Cli(other)("--schema", schema, "status", code=2).output, "printing changes nothing"
    psql = [str(bin_folder() / "psql"), "-v", "ON_ERROR_STOP=1", "-q", "-f", "-", database_url]
    subprocess.run(psql, input=printed, text=True, check=True)
    Cli(other)("--schema", schema, "status")
    execute(database_url, f'drop schema "{schema.replace(chr(34), chr(34) * 2)}" cascade')


def test_what_can_not_be_granted_is_said(grant: Grant, database_url: str):
    owner, lowly_url = Cli(database_url), grant("reader")
    me = fetch(database_url, "select current_user::text")
    assert "there is no role 'nobody'" in owner("grant", "reader", "--to", "nobody", code=2).output
    assert "may do everything already" in owner("grant", "reader", "--to", me, code=2).output
    for name in ("public", "", "x\x00", "\udcff", "x" * 64):
        assert "expected the name of a role" in owner("grant", "reader", "--to", name, code=2).output
        assert "expected the name of a role" in owner("grant", "reader", "--to", name, "--sql", code=2).output
    role = role_of(lowly_url)
    assert "only the owner of the tables" in Cli(lowly_url)("grant", "operator", "--to", role, code=2).output
    owner("grant", "captain", "--to", role, code=2)


def test_an_owner_who_is_no_superuser_grants_and_keeps_everything(grant: Grant, empty_database_url: str):
    database = empty_database_url.partition("?")[0].rpartition("/")[2]
    owner_url, user_url = grant(), grant()
    owner, user = (role_of(url) for url in (owner_url, user_url))
    execute(empty_database_url, f"grant create on database {database} to {owner}")
    there = empty_database_url.partition("//")[2].partition("@")[2]
    by_owner, by_user = (Cli(f"postgresql://{role}:secret@{there}") for role in (owner, user))
    by_owner("migrate")
    by_owner("grant", "producer", "worker", "--to", user)
    by_user("migrate")
    assert "may do everything" in by_owner("grant", "reader", "--to", owner, code=2).output
    by_owner("jobs", "list")
    execute(empty_database_url, f"drop owned by {owner}, {user}")
