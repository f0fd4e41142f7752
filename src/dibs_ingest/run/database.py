"""The database of a service that is started by hand: the one that is set, or an embedded one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dibs.embedded import start

VARIABLE = "DIBS_DATABASE_URL"


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The address in `DIBS_DATABASE_URL`; without one, that of an embedded Postgres in *folder*."""
    url = os.environ.get(VARIABLE)
    if url:
        yield url
        return
    with start(folder) as server:
        yield server.dsn
