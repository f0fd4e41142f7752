"""Which database to use: the one that was given, the one the environment names, or an embedded one."""

import os
import threading
from pathlib import Path
from typing import Final

from dibs.storage.connect import redact
from dibs.storage.embedded import EmbeddedPostgres, start

URL_VARIABLE: Final = "DIBS_DATABASE_URL"
FOLDER: Final = Path(".dibs")


class Database:
    """Finds the DSN when it is first needed; the embedded server is started then, and left when it is released."""

    def __init__(self, dsn: str | None) -> None:
        self._given = dsn
        self._lock = threading.Lock()
        self._embedded: EmbeddedPostgres | None = None

    def __repr__(self) -> str:
        dsn = self._given or os.environ.get(URL_VARIABLE)
        return redact(dsn) if dsn else f"embedded in {FOLDER}"

    @property
    def is_embedded(self) -> bool:
        """True when neither a DSN was given nor the environment names one. Its tables are then kept up to date."""
        return not (self._given or os.environ.get(URL_VARIABLE))

    def url(self) -> str:
        """The DSN. The first call may start the embedded server, which takes about a second.

        Raises:
            EmbeddedPostgresError: No DSN is configured, and there is no embedded Postgres to be had.
        """
        dsn = self._given or os.environ.get(URL_VARIABLE)
        if dsn:
            return dsn
        with self._lock:
            if self._embedded is None:
                self._embedded = start(FOLDER)
            return self._embedded.dsn

    def release(self) -> None:
        """Leave the embedded server, if it was used; it stops with its last user."""
        with self._lock:
            embedded, self._embedded = self._embedded, None
        if embedded is not None:
            embedded.stop()
