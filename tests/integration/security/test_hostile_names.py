"""Names and filters of any kind are quoted, found or refused: no statement is changed by them, no command breaks."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dibs import ConfigError, Dibs
from dibs.cli import main
from dibs.domain.limits import COPY_ROWS_MIN
from dibs.storage.statement import bind, channel, quote
from support.engine import Engine, new_job

NAMES = ["'; drop table dibs.job; --", '"; drop schema dibs; --', "\\", "$1", "%s", "{}", "\udcff", "\x00", "-", "--",
         "",
         "dibs.job", "pg_catalog", "information_schema", "public", "x" * 5000, "/*", "*/", "/*schema.*/", "/*role*/",
         "\n", "\u202e", "é" * 40, "--json", "NULL", "\\N", "{a,b}"]  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def hostile(check: Callable[..., Any]) -> Callable[..., Any]:
    """Try these names, too."""
    for name in NAMES:
        check = example(name=name)(check)
    return check


@pytest.fixture
def connection(database_url: str):
    """For tests that hypothesis runs without a loop."""
    loop = asyncio.new_event_loop()
    made = loop.run_until_complete(asyncpg.connect(database_url))
    yield lambda sql, *params: loop.run_until_complete(made.fetchval(sql, *params))
    loop.run_until_complete(made.close())
    loop.close()


@settings(some, max_examples=100)
@given(name=texts.filter(lambda name: len(name.encode()) <= 40))
def test_postgres_reads_a_quoted_schema_as_its_name(connection: Callable[..., Any], name: str):
    assert connection(bind("select '/*schema.*/wake'", name)) == channel(name, "wake")
    assert connection(f"select array_to_string(parse_ident({_literal(quote(name) + '.job')}), '|')") == f"{name}|job"


@some
@hostile
@given(name=st.text())
def test_commands_answer_whatever_they_are_asked_for(database_url: str, name: str):
    for command in (
        ["--schema", name, "status"],
        ["--schema", name, "migrate", "--sql"],
        ["jobs", "list", "--queue", name],
        ["jobs", "list", "--task", name, "--json"],
        ["jobs", "cancel", "--queue", name, "--yes"],
        ["health", "--host", name],
        ["grant", "reader", "--to", name],
        ["grant", "reader", "--to", name, "--sql"],
    ):
        result = CliRunner().invoke(main, command, env={"DIBS_DATABASE_URL": database_url})
        assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
        assert result.exit_code in {0, 1, 2}, command


def test_the_tables_are_there_after_all_that(database_url: str, tmp_path: Path):
    for name in NAMES:
        CliRunner().invoke(main, ["--schema", name, "status"], env={"DIBS_DATABASE_URL": database_url})
    result = CliRunner().invoke(main, ["status", "--json"], env={"DIBS_DATABASE_URL": database_url})
    assert result.exit_code == 0


async def test_hostile_values_are_written_as_they_are_on_every_path(database_url: str):
    db = await asyncpg.connect(database_url)
    engine = Engine(db)
    jobs = [new_job(task=name or "empty", args_json="{}", tags=(name or "empty",)) for name in NAMES if _storable(name)]
    await engine.enqueue(jobs[0])
    for job in jobs:
        [id_] = await engine.enqueue(job)
        row = await db.fetchrow("select task, tags from dibs.jobs where id = $1", id_)
        assert (row["task"], row["tags"]) == (job.task, list(job.tags))
    many = (jobs * (COPY_ROWS_MIN // len(jobs) + 1))[:COPY_ROWS_MIN]
    for written in (jobs, many):
        ids = await engine.enqueue(*written)
        rows = await db.fetch("select task, tags from dibs.job where id = any($1) order by id", ids)
        assert [(row["task"], tuple(row["tags"])) for row in rows] == [(job.task, job.tags) for job in written]
    async with Dibs(database_url) as app:
        for job in jobs:
            assert {found.task for found in await app.jobs(task=job.task)} == {job.task}
            assert await app.jobs(queue=job.task) == []
            batch = await app.batch((job.task or "x")[:200], [new_job()])
            assert (await app.batch_progress(batch.id)).name == job.task[:200]
    await db.close()


@pytest.mark.parametrize("schema", ["", "\x00", "\udcff", "x" * 41, "é" * 21])
def test_a_schema_that_can_not_be_is_refused(schema: str):
    with pytest.raises(ConfigError, match="a schema's name has 1 to 40 bytes"):
        Dibs(schema=schema)


def _storable(name: str) -> bool:
    return "\x00" not in name and not any("\ud800" <= character <= "\udfff" for character in name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
