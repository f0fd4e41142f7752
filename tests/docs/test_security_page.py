"""The examples of the page on security run, as they stand there."""

import asyncio
import os
import re
import runpy
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from support.cli import Cli, execute, fetch
from support.processes import DIBS, Child

PAGE = (Path(__file__).parents[2] / "docs/guides/security.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_roles_are_made_and_granted(database_url: str):
    [made], [granted] = blocks("sql"), blocks("sh")
    # Roles belong to the whole server, which other tests may share.
    mark = f"shop{os.urandom(4).hex()}_"
    roles = re.findall(r"create role (\w+)", made)
    execute(database_url, made.replace("shop_", mark))
    try:
        for command in granted.replace("shop_", mark).splitlines():
            Cli(database_url)(*shlex.split(command)[1:])
        rights = "select has_table_privilege('%s', 'dibs.done', 'delete')"
        allowed = [role for role in roles if fetch(database_url, rights % role.replace("shop_", mark))]
        assert allowed == ["shop_worker", "shop_admin"]
    finally:
        names = ", ".join(role.replace("shop_", mark) for role in roles)
        execute(database_url, f"drop owned by {names}; drop role {names}")


def test_encrypted_arguments_reach_the_task(
    database_url: str, tmp_path: Path, run_child: Callable[..., Child], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHOP_KEYS", f"{Fernet.generate_key().decode()},{Fernet.generate_key().decode()}")
    monkeypatch.setenv("DIBS_DATABASE_URL", database_url)
    (tmp_path / "shop.py").write_text(blocks("python")[0])
    page = runpy.run_path(str(tmp_path / "shop.py"), run_name="shop")
    page["charge"].enqueue_sync("4111 1111 1111 1234")
    assert "1111" not in fetch(database_url, "select args::text from dibs.job")
    run_child([DIBS, "worker", "shop:app"], cwd=tmp_path).wait_for("charged the card that ends in 1234")
    asyncio.run(page["app"].close())
