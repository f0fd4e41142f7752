"""Where the embedded server keeps what it needs, inside the folder that the user chose."""

import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dibs.domain.errors import EmbeddedPostgresError

#: The path of a Unix socket has 108 bytes on Linux and 104 on macOS, the closing zero included.
_SOCKET_PATH_BYTES_MAX: Final = 103
_SOCKET_NAME: Final = ".s.PGSQL.5432"
#: What Postgres puts beside its socket, to keep a second server from it.
SOCKET_LOCK_NAME: Final = f"{_SOCKET_NAME}.lock"
#: What needs no quoting in a setting, a URL or a connection string (a comma would separate two hosts).
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._~-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder `postgres` in the user's folder, open to its owner alone, and the files in it."""

    root: Path

    @classmethod
    def within(cls, folder: Path) -> "Place":
        """The place in *folder*; nothing is created yet."""
        return cls(root=folder.expanduser().resolve() / "postgres")

    @property
    def data(self) -> Path:
        """What Postgres calls the data directory."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.root / "server.log"

    @property
    def start_lock(self) -> Path:
        """Held by one process at a time, while it starts or leaves."""
        return self.root / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by all who use the server; held alone by whoever stops it."""
        return self.root / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper for as long as it lives."""
        return self.root / "keeper.lock"

    def make(self) -> None:
        """Create the folder, closed to others. It does no harm to do so again."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")

    def version(self) -> int | None:
        """The major version of Postgres that made the data, or None when there is none."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def socket_folder(self) -> Path:
        """Where a server started now shall listen: here, or where the path is short and plain."""
        if _fits_a_socket(self.root):
            return self.root
        digest = hashlib.sha256(os.fsencode(str(self.root))).hexdigest()[:12]
        name = f"dibs-{os.geteuid()}-{digest}"
        short = Path(tempfile.gettempdir()).resolve() / name
        if not _fits_a_socket(short):  # the folder for temporary files has a long path, too
            short = Path("/tmp").resolve() / name  # noqa: S108 - who owns it is checked below
        short.mkdir(mode=0o700, exist_ok=True)
        found = short.lstat()
        # Anyone may create folders there: one made by somebody else would let them listen in our place.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise EmbeddedPostgresError(
                f"{short} is needed for the socket of {self.root}, whose path is too long or has special "
                "characters, but it belongs to somebody else: remove it, or choose another folder"
            )
        return short


def _fits_a_socket(folder: Path) -> bool:
    path = str(folder)
    return len(os.fsencode(f"{path}/{_SOCKET_NAME}")) <= _SOCKET_PATH_BYTES_MAX and bool(_PLAIN_PATH.match(path))
