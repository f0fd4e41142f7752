"""What a row says is data: no name in it is imported, nothing in its arguments is run."""

import base64
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import asyncpg

from support.engine import Engine, new_job
from support.processes import DIBS, Child
from support.waiting import eventually
from support.workers import READY

APP = """
import json
import os
import sys
from pathlib import Path
from dibs import Dibs

app = Dibs()
HERE = Path(__file__).parent

@app.task(name="take")
async def take(value, then=None) -> None:
    with (HERE / "taken").open("a") as taken:
        print(json.dumps(value), file=taken)

@app.task(name="take_thread")
def take_thread(number: int, path: Path = Path()) -> None:
    pass

@app.task(name="modules")
async def modules(name: str) -> None:
    (HERE / name).write_text("\\n".join(sorted(sys.modules)))
"""
BAIT = "import pathlib\npathlib.Path(__file__).with_name('bitten').touch()\n"
TASKS = [
    "os.system", "os:system", "builtins.eval", "app:__import__", "crew:app", "crew.take", "crew.app.task", "bait",
    "bait.x", "bait:x", "./bait.py", "../bait", "this", "antigravity", "__main__.take", "take.__globals__",
    "take()", "{take}", "%s",
    "", " take", "Take", "take\n", "táke", "t" * 5000, "'; drop table dibs.job; --", "__import__('bait')",
]  # fmt: skip


class Bomb:
    """Runs something as it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch bitten",)


PICKLED = base64.b64encode(pickle.dumps(Bomb())).decode()
VALUES = [
    PICKLED, "!!python/object/apply:os.system ['touch bitten']",
    {"py/object": "bait.X", "py/reduce": [{"py/type": "os.system"}]},
    {"__class__": "bait.X"}, {"$type": "bait.X"}, {"__type__": "pickle", "data": PICKLED},
    "${jndi:ldap://x}", "{{7*7}}",
    "__import__('bait')", ["bait"], {"": None},
]  # fmt: skip


async def test_nothing_a_row_says_is_imported_or_run(
    database_url: str, run_child: Callable[..., Child], tmp_path: Path
):
    (tmp_path / "crew.py").write_text(APP)
    (tmp_path / "bait.py").write_text(BAIT)
    db = await asyncpg.connect(database_url)
    engine = Engine(db)
    env = {"DIBS_DATABASE_URL": database_url, "PYTHONPATH": str(tmp_path)}
    worker = run_child([DIBS, "worker", "crew:app"], env=env, cwd=tmp_path)
    worker.wait_for(READY)
    harmless = [
        new_job(task="take", args_json='{"value": 0}'),
        new_job(task="take_thread", args_json='{"number": "x"}'),
    ]
    await engine.enqueue(*harmless, new_job(task="take_thread", args_json='{"number": 1}'), new_job(task="unheard_of"))
    ended = "select count(*) = $1 from (select job_id from dibs.done union all select job_id from dibs.scheduled) j"
    await eventually(lambda: db.fetchval(ended, 4))
    await engine.enqueue(new_job(task="modules", args_json='{"name": "before"}'))
    await eventually((tmp_path / "before").exists)

    await engine.enqueue(*(new_job(task=name, args_json='{"value": 1}') for name in TASKS))
    await engine.enqueue(*(new_job(task="take", args_json=json.dumps({"value": value})) for value in VALUES))
    await engine.enqueue(*(new_job(task="take_thread", args_json=json.dumps({"number": value})) for value in VALUES))
    await engine.enqueue(new_job(task="take", args_json='{"value": 1, "__class__": "bait.X"}'))
    await eventually(lambda: db.fetchval(ended, 5 + len(TASKS) + 2 * len(VALUES) + 1))
    await engine.enqueue(new_job(task="modules", args_json='{"name": "after"}'))
    await eventually((tmp_path / "after").exists)

    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()
    assert not (tmp_path / "bitten").exists()
    assert sorted((tmp_path / "taken").read_text().splitlines()) == sorted(map(json.dumps, [0, *VALUES]))
    unknown = await db.fetchval("select count(*) from dibs.scheduled where reason = 'unknown task'")
    assert unknown == len(TASKS) + 1
    worker.wait_for(r"no task is named 'os\.system' in this worker's app")
    misfits = await db.fetchval("select count(*) from dibs.attempt_error where error_type = 'ArgumentsError'")
    assert misfits == 1 + len(VALUES) + 1
    await db.close()
