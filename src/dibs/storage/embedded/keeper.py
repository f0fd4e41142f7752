"""Stops the server when nobody uses it any more. Runs as a small process of its own, beside the server.

Every user of the server holds a shared lock, which the kernel takes from it when it ends, be it by SIGKILL.
The keeper waits to hold that lock alone. Then there is no user left, and whoever comes meanwhile waits at the
same lock until the server has stopped, and starts it again.

Run as a script, by its path: only the standard library is imported, so that it is small (9 MB) and starts at
once.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

#: A fast shutdown cuts connections and writes a checkpoint; one that takes longer than this is stuck.
FAST_STOP_SECONDS = 60.0
#: An immediate shutdown writes nothing. What it leaves is recovered at the next start.
IMMEDIATE_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02
#: Of postmaster.pid, counted from 0.
_SOCKET_FOLDER_LINE = 4


def postmaster_pid(data: Path) -> int | None:
    """The process id of the server that runs on the folder *data*, or None.

    A file left behind by a crash may name a process id that now belongs to somebody else, after a reboot or
    in a container. So the process itself is asked whether it is a server on this folder.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return pid if str(data) in _command_line(pid) else None


def stop_server(data: Path) -> None:
    """Stop the server on the folder *data*, if one runs: fast, and if that does not end, at once."""
    socket_folder = running_socket_folder(data)
    try:
        _signal_until_gone(data)
    finally:
        # One that was made for a socket alone goes with it; the server's own folder is never empty.
        if socket_folder is not None:
            with contextlib.suppress(OSError):
                socket_folder.rmdir()


def running_socket_folder(data: Path) -> Path | None:
    """Where the server on *data* listens, or did before a crash; it has written that down itself."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    named = lines[_SOCKET_FOLDER_LINE] if len(lines) > _SOCKET_FOLDER_LINE else ""
    return Path(named) if named else None


def _signal_until_gone(data: Path) -> None:
    for signum, seconds in (
        (signal.SIGINT, FAST_STOP_SECONDS),
        (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS),
    ):
        pid = postmaster_pid(data)
        if pid is None:
            return
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            return
        if _wait_gone(pid, data, seconds):
            return


def _wait_gone(pid: int, data: Path, seconds: float) -> bool:
    # The process, not its file, is waited for: it still writes when the file has gone.
    deadline = time.monotonic() + seconds
    while str(data) in _command_line(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _command_line(pid: int) -> list[str]:
    """The arguments of a live process; none when it has ended (a zombie has none either)."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
        except OSError:
            return []
    shown = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    # ps does not say where an argument ends: what follows -D, up to the option that always comes next, is the
    # folder.
    before, _, rest = shown.partition(" -D ")
    return [before, rest.strip()]


def main(keeper_lock: int, users_lock: str, data: str) -> None:
    """Wait until nobody holds *users_lock*, then stop the server on *data*."""
    import fcntl

    users = os.open(users_lock, os.O_RDWR)
    fcntl.flock(users, fcntl.LOCK_EX)
    try:
        stop_server(Path(data))
    finally:
        # First this one: whoever is let in by the next line must find that there is no keeper.
        os.close(keeper_lock)
        os.close(users)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
