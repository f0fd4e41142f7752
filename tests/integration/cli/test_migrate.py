"""`dibs migrate`, in its three forms and with what it says when it can not."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dibs.storage.embedded import bin_folder
from dibs.storage.migrate import migrations
from support.cli import Cli, as_role, execute, fetch
from support.pooler import direct
from support.postgres import PrivateServer
from support.processes import DIBS, Child

NEWEST = migrations()[-1].version
TABLES = "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
SCHEMAS = "select string_agg(nspname, ',' order by nspname) from pg_namespace where nspname !~ '^(pg_|information)'"


def dump(url: str) -> str:
    """The tables, as text."""
    command = [str(bin_folder() / "pg_dump"), "--schema-only", "--no-owner", direct(url)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))


def test_it_makes_the_tables_and_the_second_time_finds_nothing_to_do(dibs_on_empty: Cli):
    first = dibs_on_empty("migrate").output
    assert "Applied 0001 initial." in first
    assert first.endswith(f"Schema 'dibs' is now at version {NEWEST}.\n")
    assert dibs_on_empty("migrate").output == f"Schema 'dibs' is up to date, at version {NEWEST}.\n"
    dibs_on_empty("status")


def test_a_plan_changes_nothing(dibs_on_empty: Cli):
    plan = dibs_on_empty("migrate", "--plan").output
    assert plan.startswith("Would create schema 'dibs'.\nWould apply 0001 initial.\n")
    assert fetch(dibs_on_empty.url, TABLES) == 0
    assert fetch(dibs_on_empty.url, SCHEMAS) == "public"
    dibs_on_empty("migrate")
    assert dibs_on_empty("migrate", "--plan").output == f"Nothing to apply: schema 'dibs' is at version {NEWEST}.\n"


@pytest.mark.parametrize("schema", ["dibs", 'it\'s "Mine"'])
def test_the_script_in_psql_makes_the_same_tables(dibs_on_empty: Cli, tmp_path: Path, schema: str):
    script = dibs_on_empty("--schema", schema, "migrate", "--sql").stdout
    assert fetch(dibs_on_empty.url, TABLES) == 0, "printing it changes nothing"
    psql = [str(bin_folder() / "psql"), "-v", "ON_ERROR_STOP=1", "-q", "-f", "-", direct(dibs_on_empty.url)]
    subprocess.run(psql, input=script, text=True, check=True)
    by_script = dump(dibs_on_empty.url)
    assert dibs_on_empty("--schema", schema, "migrate", "--sql").stdout.startswith("-- nothing to apply")
    quoted = schema.replace('"', '""')
    execute(dibs_on_empty.url, f'drop schema "{quoted}" cascade')
    dibs_on_empty("--schema", schema, "migrate")
    assert by_script == dump(dibs_on_empty.url)


def test_of_twenty_processes_one_applies_and_all_are_content(
    empty_database_url: str, run_child: Callable[..., Child], tmp_path: Path
):
    children = [
        run_child([DIBS, "migrate"], env={"DIBS_DATABASE_URL": empty_database_url}, cwd=tmp_path) for _ in range(20)
    ]
    assert [child.wait(within=60) for child in children] == [0] * 20
    applied = [child for child in children if "Applied 0001" in child.output]
    assert len(applied) == 1
    assert fetch(empty_database_url, "select count(*) from dibs.migration") == NEWEST


@pytest.mark.parametrize("schema", ["Jobs", "two words", 'a"quote', "o'hare", "ünï", "select", "x" * 40])
def test_any_schema_name_works_from_migrate_to_status(dibs_on_empty: Cli, schema: str):
    dibs_on_empty("--schema", schema, "migrate")
    assert json.loads(dibs_on_empty("--schema", schema, "status", "--json").stdout)["schema"] == schema


@pytest.mark.parametrize(
    ("schema", "said"), [("x" * 41, "1 to 40 bytes"), ("", "1 to 40 bytes"), ("pg_dibs", "Choose another --schema")]
)
def test_a_name_that_can_not_work_is_refused(dibs_on_empty: Cli, schema: str, said: str):
    assert said in dibs_on_empty("--schema", schema, "migrate", code=2).output


def test_a_command_that_is_suggested_can_be_pasted_into_a_shell(dibs_on_empty: Cli):
    schema = "o'hare & sons"
    said = dibs_on_empty("--schema", schema, "status", code=2).output
    suggested = said.strip().partition("run: ")[2]
    command = f"{Path(DIBS).parent}/{suggested}"
    subprocess.run(command, shell=True, check=True, env={**os.environ, "DIBS_DATABASE_URL": dibs_on_empty.url})
    dibs_on_empty("--schema", schema, "status")


def test_status_tells_what_is_there_and_what_is_not(dibs_on_empty: Cli):
    before = json.loads(dibs_on_empty("migrate", "status", "--json").stdout)
    assert (before["version"], before["latest"], before["applied"]) == (0, NEWEST, [])
    assert before["pending"][0] == {"version": 1, "name": "initial"}
    assert "pending  0001 initial" in dibs_on_empty("migrate", "status").output
    assert "do not fit" in dibs_on_empty("migrate", "status", "--check", code=1).output
    dibs_on_empty("migrate")
    after = json.loads(dibs_on_empty("migrate", "status", "--json").stdout)
    assert (after["version"], after["pending"]) == (NEWEST, [])
    assert "applied  0001 initial" in dibs_on_empty("migrate", "status", "--check").output


def test_tables_of_a_newer_dibs_are_left_alone_and_said_to_be_newer(dibs_on_empty: Cli):
    dibs_on_empty("migrate")
    execute(dibs_on_empty.url, f"insert into dibs.migration values ({NEWEST + 1}, 'later')")
    for command in (["migrate"], ["status"], ["jobs", "list"]):
        assert f"knows only {NEWEST}" in dibs_on_empty(*command, code=2).output
    assert "of a newer dibs" in dibs_on_empty("migrate", "status").output
    dibs_on_empty("migrate", "status", "--check", code=1)


def test_a_role_that_may_not_create_a_schema_is_told_what_to_have_granted(lowly_url: str, dibs_on_empty: Cli):
    lowly = Cli(lowly_url)
    said = lowly("migrate", code=2).output
    assert "permission denied" in said
    assert "secret" not in said
    [grant] = [line for line in said.splitlines() if line.startswith("grant create on database")]
    execute(dibs_on_empty.url, grant)
    lowly("migrate")


def test_a_role_that_may_not_create_in_a_schema_that_is_there_is_told_so(lowly_url: str, dibs_on_empty: Cli):
    execute(dibs_on_empty.url, "create schema dibs")
    lowly = Cli(lowly_url)
    [grant] = [line for line in lowly("migrate", code=2).output.splitlines() if line.startswith("grant usage, create")]
    execute(dibs_on_empty.url, grant)
    assert "create schema" not in lowly("migrate", "--sql").stdout
    lowly("migrate")


def test_a_role_that_may_only_read_finds_up_to_date_tables_up_to_date(lowly_url: str, dibs_on_empty: Cli):
    dibs_on_empty("migrate")
    lowly = Cli(lowly_url)
    assert "may not use the tables" in lowly("status", code=2).output
    execute(
        dibs_on_empty.url, "grant usage on schema dibs to public; grant select on all tables in schema dibs to public"
    )
    assert "up to date" in lowly("migrate").output


def test_a_wrong_password_is_named_and_not_shown(private_server: PrivateServer, tmp_path: Path):
    execute(private_server.url, "create role guest login password 'right'")
    access = private_server.server.data_folder / "pg_hba.conf"
    access.write_text(f"local all guest scram-sha-256\n{access.read_text()}")
    execute(private_server.url, "select pg_reload_conf()")
    Cli(as_role(private_server.url, "guest", "right"))("migrate", "--plan")
    said = Cli(as_role(private_server.url, "guest", "wr0ng"))("migrate", code=2).output
    assert "password authentication failed" in said
    assert "Check the user and the password" in said
    assert "wr0ng" not in said


@pytest.mark.parametrize("command", [["migrate"], ["migrate", "--plan"], ["migrate", "status"], ["status"],
                                     ["jobs", "list"], ["jobs", "retry", "1"], ["demo"]])  # fmt: skip
def test_without_a_connection_every_verb_says_so_and_exits_2(command: list[str]):
    said = Cli("postgresql://me:secret@127.0.0.1:1/shop")(*command, code=2).output
    assert "postgresql://me:***@127.0.0.1:1/shop" in said
    assert "secret" not in said


def test_a_database_that_is_not_there_is_named(dibs_on_empty: Cli):
    said = Cli(dibs_on_empty.url.replace("/dibs_", "/no_dibs_"))("migrate", code=2).output
    assert "does not exist" in said


@pytest.mark.parametrize("dsn", ["host=db password=secret", "postgresql://me:sec#ret@db/shop", "nonsense"])
def test_a_dsn_that_can_not_be_read_is_refused_without_its_password(dibs: Cli, dsn: str):
    said = dibs("--dsn", dsn, "status", code=2).output
    assert "is not a DSN" in said
    assert not re.search("sec#?ret|ret@", said)


def test_the_option_goes_before_the_environment(dibs: Cli, dibs_on_empty: Cli):
    assert "no dibs tables" in dibs("--dsn", dibs_on_empty.url, "status", code=2).output


def test_two_ways_to_look_are_one_too_many(dibs: Cli):
    dibs("migrate", "--plan", "--sql", code=2)
    dibs("migrate", "--plan", "status", code=2)
