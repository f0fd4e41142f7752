"""Create the data of a server, and launch a server on it."""

import os
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dibs.domain.errors import EmbeddedPostgresError
from dibs.storage.embedded.place import SOCKET_LOCK_NAME, Place
from dibs.storage.embedded.programs import Programs
from dibs.storage.embedded.settings import Setting, is_off, settings_file

_SETTINGS_NAME: Final = "dibs.conf"
_LOG_BYTES_MAX: Final = 16 * 1024 * 1024
_LOG_TAIL_BYTES: Final = 2000
#: What Postgres says while processes of a killed server still end; they do so within moments.
_STILL_ENDING: Final = "is still in use"
_STILL_ENDING_POLL_SECONDS: Final = 0.1
_BUILTIN_LOCALE_SINCE: Final = 17


def create_cluster(place: Place, tools: Programs, settings: Mapping[str, Setting] | None) -> None:
    """Make the data folder, whole or not at all: it gets its name when it is complete."""
    for left_behind in place.root.glob("creating-*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    unfinished = place.root / f"creating-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        _initdb(unfinished, tools, sync=not is_off(settings, "fsync"))
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write(f"\ninclude '{_SETTINGS_NAME}'\n")
        unfinished.rename(place.data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def launch(place: Place, tools: Programs, settings: Mapping[str, Setting] | None, *, seconds_max: float) -> None:
    """Start a server that is down and wait until it accepts connections.

    A server that was killed is recovered. Raises when it does not come up, with what it wrote to its log.
    """
    socket_folder = place.socket_folder()
    # No server runs, so these name a process that is gone, one that took over its number, or its remains that
    # nobody has collected (in a container whose first process does not). The last two would stop Postgres.
    for stale in (place.data / "postmaster.pid", socket_folder / SOCKET_LOCK_NAME):
        stale.unlink(missing_ok=True)
    _write_settings(place, settings, socket_folder)
    if place.log.exists() and place.log.stat().st_size > _LOG_BYTES_MAX:
        place.log.replace(place.log.with_suffix(".log.1"))
    deadline = time.monotonic() + seconds_max
    while True:
        seen = place.log.stat().st_size if place.log.exists() else 0
        ran = tools.run(
            "pg_ctl",
            "start",
            "-w",
            "-s",
            "-t",
            str(int(seconds_max)),
            "-D",
            str(place.data),
            "-l",
            str(place.log),
        )
        if ran.returncode == 0:
            return
        said = f"{ran.stderr.strip()}\n{_log_since(place.log, seen)}".strip()
        if _STILL_ENDING not in said or time.monotonic() > deadline:
            raise failure(f"the embedded Postgres in {place.root} does not start", said)
        time.sleep(_STILL_ENDING_POLL_SECONDS)


def failure(what: str, said: str) -> EmbeddedPostgresError:
    """The error for a program that failed; a full disk is named as such."""
    if "No space left on device" in said or "Check free disk space" in said:
        what = f"no space left on the disk: {what}"
    return EmbeddedPostgresError(f"{what}:\n{said}")


def _initdb(data: Path, tools: Programs, *, sync: bool) -> None:
    # Sorted by code point, which is fast and never changes with the system's libraries; upper and lower case
    # and letters as Unicode has them.
    for locale in ("C.UTF-8", "C"):
        arguments = [
            "-D",
            str(data),
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            f"--locale={locale}",
        ]
        if tools.version >= _BUILTIN_LOCALE_SINCE:
            arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not sync:
            arguments += ["--no-sync"]
        ran = tools.run("initdb", "--no-instructions", *arguments)
        if ran.returncode == 0:
            return
        if "invalid locale" not in ran.stderr:
            break
    if "could not look up effective user ID" in ran.stderr:
        raise EmbeddedPostgresError(
            f"the embedded Postgres needs a user with a name, and user id {os.geteuid()} has none: "
            "add it to /etc/passwd, or set DIBS_DATABASE_URL to a Postgres that you run"
        )
    raise failure(f"can not create the data of the embedded Postgres in {data.parent}", ran.stderr.strip())


def _write_settings(place: Place, settings: Mapping[str, Setting] | None, socket_folder: Path) -> None:
    path = place.data / _SETTINGS_NAME
    path.write_text(settings_file(settings, socket_folder=socket_folder))
    # Written by root, read by the user whom the server runs as.
    path.chmod(0o644)


def _log_since(log: Path, offset: int) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(offset, log.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
