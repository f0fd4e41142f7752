"""A Postgres of some major version, for one row: its own data, its own socket, gone at the end."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from dibs.storage.embedded.programs import Programs, programs

DEBIAN: Final = Path("/usr/lib/postgresql")
BUNDLED: Final = frozenset({16, 18})
SETTINGS: Final[Mapping[str, str]] = {
    # A crash of the whole machine is not what the matrix tries.
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "",
}


class ServerError(Exception):
    """The server of a row can not be had."""


@contextmanager
def server(folder: Path, version: int, *, tls: Path | None = None) -> Iterator[str]:
    """A running server; gives its DSN. With *tls*, a folder of certificates, it takes nothing but TLS, over TCP."""
    data, port = folder / "data", _free_port() if tls else 5432
    tools = _programs(version, data)
    _run(tools, "initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
         "--no-sync", "--no-instructions")  # fmt: skip
    settings = {**SETTINGS, "unix_socket_directories": str(folder), "port": str(port)}
    if tls:
        _hand_over(tls, data)
        settings |= {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": str(tls / "server.crt"),
            "ssl_key_file": str(tls / "server.key"),
        }
        (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    try:
        _run(tools, "pg_ctl", "start", "-w", "-s", "-D", str(data), "-l", str(data / "server.log"))
        if tls:
            yield f"postgresql://postgres@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={tls / 'ca.crt'}"
        else:
            yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        tools.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(data))


def _programs(version: int, data: Path) -> Programs:
    if version in BUNDLED:
        return programs(version, data)
    folder = DEBIAN / str(version) / "bin"
    if not (folder / "postgres").exists():
        raise ServerError(f"there is no Postgres {version} in {folder}: apt-get install postgresql-{version}")
    # The bundled one knows as whom Postgres runs on this machine.
    return replace(programs(max(BUNDLED), data), version=version, folder=folder)


def _run(tools: Programs, name: str, *arguments: str) -> None:
    ran = tools.run(name, *arguments)
    if ran.returncode:
        raise ServerError(f"{name} of Postgres {tools.version}: {ran.stderr.strip() or ran.stdout.strip()}")


def _hand_over(tls: Path, data: Path) -> None:
    """Make the key the server's own: it takes no other, and may run as another user than the tests."""
    owner = data.stat()
    os.chown(tls / "server.key", owner.st_uid, owner.st_gid)
    open_to_all(tls)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def open_to_all(folder: Path) -> None:
    """Let the server's user, and the users that some tests run as, pass through *folder*."""
    folder.chmod(0o755)
