"""What the embedded server is told, beyond Postgres's own defaults."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from dibs.domain.errors import EmbeddedPostgresError

#: A setting as a user gives it; a boolean becomes on or off.
Setting: TypeAlias = str | int | float | bool

#: Fit for a queue on a developer's machine. Everything that makes a commit durable stays as Postgres has it:
#: on.
DEFAULT_SETTINGS: Final[Mapping[str, str]] = {
    # Only the socket in the folder; no TCP port that others could reach or that could be taken.
    "listen_addresses": "",
    # Three connections for each worker process, plus pools of web processes.
    "max_connections": "200",
    # The hot tables of a queue are small; this is mapped, not used, until there is data to hold.
    "shared_buffers": "256MB",
    # A queue writes little that lasts and much that does not: checkpoints by time, not by volume.
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # Dead rows of the ready and lease tables slow every claim; look for them often and remove them briskly.
    "autovacuum_naptime": "10s",
    "autovacuum_vacuum_cost_limit": "2000",
    # The short statements of a queue gain nothing from compilation, and it costs milliseconds.
    "jit": "off",
    # Index scans are right on the disks of this decade.
    "random_page_cost": "1.1",
    # Every 15 minutes a line that nobody reads, for as long as the folder lives.
    "log_checkpoints": "off",
}

_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?\Z", re.IGNORECASE)


def settings_file(settings: Mapping[str, Setting] | None, *, socket_folder: Path) -> str:
    """The text of the file of settings: the defaults, then *settings*, which win."""
    own = {name: _text(name, value) for name, value in (settings or {}).items()}
    merged = {**DEFAULT_SETTINGS, **own, "unix_socket_directories": str(socket_folder), "port": "5432"}
    lines = [f"{name} = '{_quoted(value)}'" for name, value in merged.items()]
    return "\n".join(["# Written anew at each start; use the `settings` argument, or ALTER SYSTEM.", *lines, ""])


def is_off(settings: Mapping[str, Setting] | None, name: str) -> bool:
    """True when *settings* switches *name* off."""
    return _text(name, (settings or {}).get(name, True)).lower() in {"off", "false", "no", "0"}


def _text(name: str, value: Setting) -> str:
    if not _NAME.match(name) or "\n" in str(value):
        raise EmbeddedPostgresError(f"expected a Postgres setting such as fsync='off', got {name!r}: {value!r}")
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
