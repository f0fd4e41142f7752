"""A PgBouncer before the server of a row, lending its connections for a transaction at a time."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from matrix.server import ServerError, open_to_all

START_SECONDS_MAX: Final = 10.0
_SETTINGS: Final = """\
[databases]
* = host={server}

[pgbouncer]
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 500
listen_addr =
listen_port = 5432
unix_socket_dir = {folder}
; Roles of the tests are asked for in the server.
auth_type = trust
auth_user = postgres
logfile = {folder}/log
pidfile = {folder}/pid
; Each test has a database, and drops it.
server_idle_timeout = 2
"""


@contextmanager
def pgbouncer(folder: Path, server: Path, size: int) -> Iterator[str]:
    """Run it before the server whose socket is in the folder *server*; gives its DSN, as dibs wants it.

    Each database has *size* connections for all who want one.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise ServerError("there is no pgbouncer: apt-get install pgbouncer")
    folder.mkdir()
    settings = folder / "pgbouncer.ini"
    settings.write_text(_SETTINGS.format(server=server, size=size, folder=folder))
    owner = pwd.getpwuid(os.getuid() or server.joinpath("data").stat().st_uid)
    if os.getuid() == 0:  # it does not run as root
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    open_to_all(folder)
    process = subprocess.Popen(  # noqa: S603
        [program, str(settings)], user=owner.pw_uid, group=owner.pw_gid, extra_groups=[], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(folder / ".s.PGSQL.5432", process, folder / "log")
        yield f"postgresql://postgres@/postgres?host={folder}&pgbouncer=true"
    finally:
        process.kill()
        process.wait()


def _wait_for(socket: Path, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text() if log.exists() else "it wrote no log"
            raise ServerError(f"pgbouncer did not start: {said}")
        time.sleep(0.02)
