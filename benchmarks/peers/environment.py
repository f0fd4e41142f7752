"""An environment for each peer, with pinned packages: made when it is first needed, by uv."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.peers.catalogue import Peer

_ROOT: Final = Path(__file__).parents[2]
_ENVIRONMENTS: Final = _ROOT / ".bench" / "venvs"
_INSTALLED: Final = "installed"
"""The file in an environment that names what was installed; written last."""


def python_of(peer: Peer) -> Path:
    """The Python of a peer's environment, which is made or renewed when its requirements are not what is in it."""
    folder = _ENVIRONMENTS / peer.requirements.stem
    wanted = hashlib.sha256(peer.requirements.read_bytes()).hexdigest()
    installed = folder / _INSTALLED
    python = folder / "bin" / "python"
    if not installed.exists() or installed.read_text() != wanted:
        print(f"installing {peer.name} into {folder}", file=sys.stderr)  # noqa: T201
        uv = _uv()
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _run(uv, "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(peer.requirements))
        installed.write_text(wanted)
    return python


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise RuntimeError("uv is missing; `make setup` installs it into .venv")
    return found


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - uv, with paths of ours
