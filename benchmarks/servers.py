"""The servers that the benchmarks run on: an embedded Postgres and Debian's redis-server, with settings fixed here.

Both listen on a Unix socket alone, live in a folder of their own, and stop with the block that started them.
"""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dibs import embedded

#: Postgres as it comes, but for memory and connections. The embedded server's own settings for developers are put
#: back to Postgres's defaults, so that no system is measured on a server tuned for another.
POSTGRES_SETTINGS: Final[Mapping[str, str]] = {
    "shared_buffers": "1GB",
    "max_connections": "200",
    # Defaults of PostgreSQL 18 from here on, durability included.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "5min",
    "autovacuum_naptime": "1min",
    "autovacuum_vacuum_cost_limit": "-1",
    "jit": "on",
    "random_page_cost": "4.0",
    "log_checkpoints": "on",
}

#: Redis keeps nothing on disk here: no snapshots and no append-only file. Its peers are measured at their fastest, and
#: not at the durability that a commit in Postgres has; results say so.
REDIS_SETTINGS: Final[Mapping[str, str]] = {"save": "", "appendonly": "no"}

_REDIS_START_SECONDS_MAX: Final = 10.0
_REDIS_POLL_SECONDS: Final = 0.02


class ServerMissingError(RuntimeError):
    """A server's program is not on this machine; the message says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server, and what a result should say about it."""

    dsn: str
    """Where it listens; for Postgres the database `postgres`."""
    pid: int
    """The process whose CPU time, with that of its children, is the server's."""
    version: str
    settings: Mapping[str, str]
    bin: Path
    """The folder with psql, pgbench, pg_dump; for Redis with redis-server."""


@contextlib.contextmanager
def postgres(folder: Path | None = None) -> Iterator[Server]:
    """Run Postgres in *folder*, or in a temporary one that goes with it."""
    with _folder(folder) as place, embedded.start(place, settings=POSTGRES_SETTINGS) as server:
        if server.pid is None:
            raise RuntimeError(f"the embedded Postgres in {place} has ended; its log is {server.data_folder.parent}")
        programs = embedded.bin_folder()
        yield Server(
            dsn=server.dsn,
            pid=server.pid,
            version=_version(programs / "postgres", "--version"),
            settings=POSTGRES_SETTINGS,
            bin=programs,
        )


@contextlib.contextmanager
def redis(folder: Path | None = None) -> Iterator[Server]:
    """Run redis-server with its socket in *folder*, or in a temporary one.

    Raises:
        ServerMissingError: there is no redis-server on this machine.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise ServerMissingError("redis-server is missing; on Debian and Ubuntu: apt-get install redis-server")
    with _folder(folder) as place:
        path = place / "redis.sock"
        options = [part for name, value in REDIS_SETTINGS.items() for part in (f"--{name}", value)]
        process = subprocess.Popen(  # noqa: S603 - a fixed program with fixed options
            [
                *_dying_with_parent(),
                program,
                "--port",
                "0",
                "--unixsocket",
                str(path),
                "--dir",
                str(place),
                "--daemonize",
                "no",
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Ctrl-C is for the benchmark, which then stops the server itself.
            start_new_session=True,
        )
        try:
            _wait_for_redis(process, path)
            yield Server(
                dsn=f"unix://{path}",
                pid=process.pid,
                version=_version(Path(program), "--version"),
                settings=REDIS_SETTINGS,
                bin=Path(program).parent,
            )
        finally:
            process.terminate()
            process.wait()


def flush(dsn: str) -> None:
    """Empty a Redis: what a fresh database is to Postgres."""
    if redis_command(dsn, "FLUSHALL") != "+OK":
        raise RuntimeError(f"the Redis at {dsn} was not emptied")


def redis_command(dsn: str, command: str) -> str:
    """Send one command of one line and give the answer's first line; needs no client library."""
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw", newline="") as lines:
        connection.connect(dsn.removeprefix("unix://"))
        lines.write(f"{command}\r\n")
        lines.flush()
        return lines.readline().rstrip()


def _dying_with_parent() -> list[str]:
    """A benchmark that is killed leaves no server behind; Postgres has a keeper for that, Redis needs the kernel's."""
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", "TERM", "--"]


def _wait_for_redis(process: subprocess.Popen[bytes], path: Path) -> None:
    deadline = time.monotonic() + _REDIS_START_SECONDS_MAX
    while True:
        with contextlib.suppress(OSError):
            if redis_command(f"unix://{path}", "PING") == "+PONG":
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"redis-server does not answer at {path}; run it by hand to see why")
        time.sleep(_REDIS_POLL_SECONDS)


def _version(program: Path, option: str) -> str:
    return subprocess.run([program, option], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


@contextlib.contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="dibs-bench-") as temporary:
        yield Path(temporary)
