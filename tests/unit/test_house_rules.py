"""House rules that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

import dibs
import dibs.storage
from dibs.storage import statements
from dibs.storage.statement import SCHEMA_MARKER, Statement, bind, channel

SOURCE = Path(dibs.__file__).parent
SQL = SOURCE / "storage" / "sql"
SQL_FILES = sorted(SQL.rglob("*.sql"))
PYTHON_FILES = [*SOURCE.rglob("*.py"), *SOURCE.with_name("dibs_ingest").rglob("*.py")]
MAY_SLEEP = {
    "bench/stage/sending.py",
    "bench/stage/stage.py",
    "bench/stage/tally.py",
    "worker/supervisor.py",
    "storage/embedded/cluster.py",
    "storage/embedded/keeper.py",
    "storage/embedded/server.py",
}
"""Processes that do nothing but watch others, and code that waits for another process without a loop;
and what a benchmark's tasks and senders do."""

LINES_MAX = 350
named = pytest.mark.parametrize("file", SQL_FILES, ids=lambda file: str(file.relative_to(SQL)))


def test_public_names_are_sorted_and_there():
    assert dibs.__all__ == sorted(dibs.__all__)
    assert all(hasattr(dibs, name) for name in dibs.__all__)


def test_every_statement_is_named_after_its_file():
    for name, statement in vars(statements).items():
        if isinstance(statement, Statement):
            assert name == statement.name.replace("/", "_").upper()


def test_every_file_is_a_statement():
    known = {statement.name for statement in vars(statements).values() if isinstance(statement, Statement)}
    assert known == {str(file.relative_to(SQL).with_suffix("")) for file in SQL_FILES}


@named
def test_a_statement_says_first_what_it_does_and_what_its_parameters_are(file: Path):
    text = file.read_text()
    header = "".join(line for line in text.splitlines(keepends=True) if line.startswith("--"))
    body = text[len(header) :]
    assert re.match(rf"-- {file.stem}: \S", header), "the header begins with the file's name and a sentence"
    params = {int(n) for n in re.findall(r"\$(\d+)", body)}
    assert params == set(range(1, len(params) + 1)), "parameters are numbered without a gap"
    spoken = {int(n) for n in re.findall(r"\$(\d+)", header)}
    for first, last in re.findall(r"\$(\d+)-\$(\d+)", header):
        spoken |= set(range(int(first), int(last) + 1))
    assert params <= spoken, "the header explains every parameter"


@named
def test_a_statement_is_one_and_names_tables_behind_the_marker(file: Path):
    body = re.sub(r"--.*", "", file.read_text())
    assert body.rstrip().endswith(";")
    assert body.count(";") == 1
    tables = set(
        re.findall(
            r"create (?:table|view) /\*schema\.\*/(\w+)", (SQL.parent / "migrations" / "0001_initial.sql").read_text()
        )
    )
    bare = re.findall(rf"(?:from|join|into|update)\s+({'|'.join(tables)})\b", body)
    ctes = set(re.findall(r"(\w+) as (?:materialized )?\(", body))
    assert set(bare) <= ctes


@named
def test_rows_locked_in_order_or_skipped_say_so(file: Path):
    if "for update" in file.read_text():
        assert re.search(r"^--.*\blocks:", file.read_text(), re.MULTILINE)


def test_files_are_small():
    sizes = {file: len(file.read_text().splitlines()) for file in [*PYTHON_FILES, *SQL_FILES]}
    assert {str(file): size for file, size in sizes.items() if size > LINES_MAX} == {}


def test_nothing_sleeps_in_a_thread_but_what_watches_processes():
    sleepers = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep":
                sleepers.add(str(file.relative_to(SOURCE)))
    assert sleepers <= MAY_SLEEP


def test_only_storage_and_the_client_know_the_driver():
    knowing = {
        file.relative_to(SOURCE).parts[0]
        for file in SOURCE.rglob("*.py")
        if re.search(r"^\s*(import|from) asyncpg", file.read_text(), re.MULTILINE)
    }
    assert knowing <= {"storage", "client", "cli"}


def test_the_schemas_name_is_quoted_wherever_it_stands():
    assert bind(f"select {SCHEMA_MARKER}t", 'a"b') == 'select "a""b".t'
    assert bind(f"select '{SCHEMA_MARKER}t'", "o'clock") == "select '\"o''clock\".t'"
    assert channel("o'clock", "wake") == '"o\'clock".wake'
