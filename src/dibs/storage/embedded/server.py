"""Start the server of a folder or join it, and leave it again."""

import contextlib
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self

from dibs.domain.errors import EmbeddedPostgresError
from dibs.storage.embedded import keeper, locks
from dibs.storage.embedded.cluster import create_cluster, launch
from dibs.storage.embedded.place import Place
from dibs.storage.embedded.programs import Programs, programs
from dibs.storage.embedded.settings import Setting

#: Recovery after a crash reads at most max_wal_size, which takes seconds; past this something is wrong.
_START_SECONDS_MAX: Final = 120.0
_POLL_SECONDS: Final = 0.05


class EmbeddedPostgres:
    """One use of a running server. It runs at least until `stop()` is called or this process ends.

    A child made by `fork` shares the use; a child that runs another program does not, and calls `start`
    itself.
    """

    def __init__(self, *, place: Place, version: int, dsn: str, use: int) -> None:
        #: The folder that was asked for.
        self.folder: Final = place.root.parent
        #: The major version of Postgres.
        self.version: Final = version
        #: For asyncpg, psycopg and psql: the database `postgres` as the superuser `postgres`, over a Unix
        #: socket.
        self.dsn: Final = dsn
        self._place = place
        self._use: int | None = use
        self._stopping = threading.Lock()

    def stop(self) -> None:
        """End this use; the server stops with its last use, and then has stopped when this returns.

        May be called again. Called or not, a process that ends uses nothing any more.
        """
        with self._stopping:
            use, self._use = self._use, None
        if use is None:
            return
        os.close(use)
        # Where the whole folder has been deleted, the server finds out by itself and ends.
        with contextlib.suppress(FileNotFoundError), locks.exclusive(self._place.start_lock):
            _stop_if_unused(self._place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<EmbeddedPostgres {self.version} in {self.folder}>"

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs (pg_ctl, pg_dump, psql) as the user whom the server runs as."""
        return programs(self.version, self._place.data).run(program, *arguments)

    @property
    def data_folder(self) -> Path:
        """What Postgres calls the data directory."""
        return self._place.data

    @property
    def pid(self) -> int | None:
        """The process id of the server, or None when it does not run."""
        return keeper.postmaster_pid(self._place.data)


def start(folder: Path, *, version: int = 18, settings: Mapping[str, Setting] | None = None) -> EmbeddedPostgres:
    """Use the server in *folder*: join the one that runs, or start it, creating its data the first time.

    Safe from any number of processes and threads at once; they share one server. It takes about a second the
    first time, a tenth of one with data present, and a hundredth to join.

    Args:
        folder: where the data lives; created when missing. Only its part `postgres` is touched.
        version: major version of Postgres, 16 or 18. Data once made stays with its version.
        settings: settings of Postgres that differ from `DEFAULT_SETTINGS`. They hold from the server's next
            start.

    Raises:
        EmbeddedPostgresError: the server can not be had or started; the message says why and what to do
            instead.
    """
    place = Place.within(folder)
    tools = programs(version, place.data)
    with _explained(place):
        place.make()
        with locks.exclusive(place.start_lock):
            _check_version(place, version)
            # Waits while a server that nobody used is being stopped.
            use = locks.shared(place.users_lock)
            try:
                socket_folder = _ensure_running(place, tools, settings)
            except BaseException:
                os.close(use)
                _stop_if_unused(place)
                raise
    dsn = f"postgresql://postgres@/postgres?host={socket_folder}"
    return EmbeddedPostgres(place=place, version=version, dsn=dsn, use=use)


def _check_version(place: Place, version: int) -> None:
    found = place.version()
    if found not in {None, version}:
        raise EmbeddedPostgresError(
            f"{place.data} holds data of Postgres {found}, and version {version} was asked for: "
            f"start it with version={found}, choose another folder, or move the data with pg_dump"
        )


def _ensure_running(place: Place, tools: Programs, settings: Mapping[str, Setting] | None) -> Path:
    """Bring the server up, whatever the last one left behind. Called with the start lock and a use held."""
    deadline = time.monotonic() + _START_SECONDS_MAX
    if place.version() is None:
        create_cluster(place, tools, settings)
    _ensure_keeper(place)
    while True:
        socket_folder = keeper.running_socket_folder(place.data)
        if socket_folder is not None and _accepts_connections(tools, socket_folder):
            return socket_folder
        if keeper.postmaster_pid(place.data) is None:
            launch(place, tools, settings, seconds_max=max(1.0, deadline - time.monotonic()))
            continue
        # It runs but does not accept yet: whoever launched it was killed meanwhile, or it is on its way down.
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(f"the server in {place.root} runs but accepts no connections; see {place.log}")
        time.sleep(_POLL_SECONDS)


def _accepts_connections(tools: Programs, socket_folder: Path) -> bool:
    return tools.run("pg_isready", "-q", "-t", "3", "-p", "5432", "-h", str(socket_folder)).returncode == 0


def _ensure_keeper(place: Place) -> None:
    """See to it that a keeper waits for the last use to end; called before the server starts."""
    lock = locks.try_exclusive(place.keeper_lock)
    if lock is None:
        return
    script = [sys.executable, "-I", "-S", keeper.__file__, str(lock), str(place.users_lock), str(place.data)]
    try:
        # Inherits the held lock, so there is no moment without. The shell leaves at once: nobody has to wait
        # for the keeper's end, and it belongs to no terminal.
        subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", '"$@" &', "sh", *script],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            pass_fds=[lock],
            start_new_session=True,
        )
    finally:
        os.close(lock)


def _stop_if_unused(place: Place) -> None:
    """Stop the server if nobody uses it, or wait until the keeper has. Called with the start lock held."""
    alone = locks.try_exclusive(place.users_lock)
    if alone is None:
        os.close(locks.shared(place.users_lock))
        return
    try:
        keeper.stop_server(place.data)
    finally:
        os.close(alone)


@contextlib.contextmanager
def _explained(place: Place) -> Iterator[None]:
    """Say in words what went wrong with the folder."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise EmbeddedPostgresError(
                f"no space left on the disk: can not use {place.root} for the embedded Postgres"
            ) from error
        raise EmbeddedPostgresError(
            f"can not use {place.root} for the embedded Postgres ({error.strerror}): let this user "
            "write there, choose another folder, or set DIBS_DATABASE_URL to a Postgres that you run"
        ) from error
