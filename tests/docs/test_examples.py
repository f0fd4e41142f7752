"""Every example in the README and the guides runs, as it stands there."""

import re
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support.processes import DIBS, Child
from support.waiting import eventually

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page, in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader would try the examples, with a database of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIBS_DATABASE_URL", database_url)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Callable[[str], dict[str, Any]]:
    """Write a page's Python blocks to one module and import it."""

    def write_and_run(page: str) -> dict[str, Any]:
        name = Path(page).stem.lower() + "_page"
        (folder / f"{name}.py").write_text("\n".join(blocks(page, "python")))
        return runpy.run_path(str(folder / f"{name}.py"), run_name=name)

    return write_and_run


async def test_the_readme_does_what_it_says(folder: Path, run_child: Callable[..., Child], database_url: str) -> None:
    first, second = blocks("README.md", "python")
    (folder / "shop.py").write_text(first)
    script = run_child([sys.executable, "shop.py"], cwd=folder)
    script.wait_for(re.escape("EnqueuedJob(id=1, task='shop.send_receipt', queue='mail')"))
    worker = run_child([DIBS, "worker", "shop:app", "--queues", "mail:10"], cwd=folder)
    worker.wait_for("receipt for order 7 to ada@example.org")
    (folder / "shop.py").write_text(f"{first}\n{second}")
    shop = runpy.run_path("shop.py", run_name="shop")
    db = await asyncpg.connect(database_url)
    await db.execute("create table orders (id int, paid boolean); insert into orders values (7, false)")
    await shop["pay"](db)
    assert await db.fetchval("select paid from orders")
    await eventually(lambda: db.fetchval("select count(*) = 2 from dibs.done"))
    await db.close()
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0


async def test_the_quick_start_does_what_it_says(folder: Path, run_child: Callable[..., Child]) -> None:
    (folder / "tour.py").write_text(blocks("docs/quickstart.md", "python")[0])
    worker = run_child([DIBS, "worker", "tour:app"], cwd=folder)
    script = run_child([sys.executable, "tour.py"], cwd=folder)
    script.wait_for("2 of 2")
    assert script.wait() == 0
    for name, times in (("Ada", 1), ("Edsger", 1), ("Barbara", 1), ("Grace", 3)):
        for _ in range(times):
            worker.wait_for(f"hello {name}")
    for command in (["status"], ["jobs", "list"], ["jobs", "show", "1"]):
        child = run_child([DIBS, *command], cwd=folder)
        assert child.wait() == 0
        assert child.output


async def test_the_page_on_tasks_runs(load: Callable[[str], dict[str, Any]]) -> None:
    page = load("docs/guides/tasks.md")
    assert {"convert", "poll_bank", "embed"} <= page.keys()


async def test_the_page_on_enqueueing_runs(load: Callable[[str], dict[str, Any]], database_url: str) -> None:
    page = load("docs/guides/enqueueing.md")
    db = await asyncpg.connect(database_url)
    async with page["app"]:
        await page["examples"]()
        await db.execute("create table person (id serial, name text)")
        await page["sign_up"](db, "Ada")
        await page["newsletter"](range(100))
        await page["steer"](1)
    assert await db.fetchval("select count(*) from dibs.job") == 105
    await db.close()


async def test_the_page_on_batches_runs(
    load: Callable[[str], dict[str, Any]], folder: Path, run_child: Callable[..., Child]
) -> None:
    page = load("docs/guides/batches.md")
    run_child([DIBS, "worker", "batches_page:app"], cwd=folder)
    async with page["app"]:
        batch_id = await page["upload"](["sea.jpg", "hill.jpg"])
        await page["follow"](batch_id)
        assert (await page["app"].batch_progress(batch_id)).succeeded == 2


async def test_the_page_on_transactions_runs(
    load: Callable[[str], dict[str, Any]], folder: Path, run_child: Callable[..., Child], database_url: str
) -> None:
    page = load("docs/guides/transactions.md")
    db = await asyncpg.connect(database_url)
    await db.execute("create table account (name text, balance int); insert into account values ('Ada', 0)")
    async with page["app"]:
        for task in ("credit", "credit_in_thread", "credit_by_session"):
            await page[task].enqueue("Ada", 5)
        run_child([DIBS, "worker", "transactions_page:app"], cwd=folder)
        await eventually(lambda: db.fetchval("select count(*) = 3 from dibs.done where outcome = 's'"))
    assert await db.fetchval("select balance from account") == 15
    await db.close()


async def test_the_sql_of_the_operations_page_runs(database_url: str) -> None:
    db = await asyncpg.connect(database_url)
    statements = blocks("docs/operations.md", "sql")
    assert statements
    for sql in statements:
        await db.execute(sql)
    await db.close()


@pytest.mark.parametrize(
    "page", sorted(str(p.relative_to(ROOT)) for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
)
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text()):
        assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"
