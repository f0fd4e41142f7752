"""Processes of the service: start them, wait until they answer, stop them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx2

from dibs_ingest.errors import IngestError

#: So long, files that are being ingested may go on when the service stops; then they are handed back.
SHUTDOWN_SECONDS = 20.0
#: By then a process that was told to stop has done so, or is killed.
STOP_SECONDS = 35.0
#: Loading the model, and a first start of everything on a busy machine.
READY_SECONDS = 90.0
_POLL_SECONDS = 0.05
_LOG_LINES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process of the service, in a group of its own: Ctrl-C reaches only us, and we stop it in order."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None

    @classmethod
    def start(cls, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path | None) -> Self:
        """Start *command*; what it says goes to the file *log*, or where ours goes."""
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(log.open("ab")) if log else None
            process = subprocess.Popen(  # noqa: S603 - our own programs
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT if out else None,
                start_new_session=True,
            )
        return cls(name=name, process=process, log=log)

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def stop(self, is_hurried: Callable[[], bool] = lambda: False) -> int:
        """Ask it to end, once more when there is a hurry, and see to it in the end; its exit code."""
        deadline = time.monotonic() + STOP_SECONDS
        was_hurried = False
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None and time.monotonic() < deadline:
            if is_hurried() and not was_hurried:
                was_hurried = True
                self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_POLL_SECONDS)
        # Whatever is left of the group, be it that its leader crashed.
        self.signal_group(signal.SIGKILL)
        return self.process.wait()

    def kill(self) -> None:
        """End it and its children at once, as a crash or the kernel would."""
        self.signal_group(signal.SIGKILL)
        self.process.wait()

    def check(self) -> None:
        """Raise if it has ended, with the last lines it wrote.

        Raises:
            IngestError: It has ended.
        """
        code = self.process.poll()
        if code is not None:
            raise IngestError(
                f"The {self.name} ended unexpectedly with exit code {code}.\n{self.last_lines()}".rstrip()
            )

    def last_lines(self) -> str:
        """The end of its log."""
        if self.log is None:
            return ""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:])


def api_command(host: str, port: int) -> list[str]:
    """The command line of the API."""
    return [sys.executable, "-m", "dibs_ingest.run.api", host, str(port)]


def worker_command(*, slots: int, processes: int = 1) -> list[str]:
    """The command line of a worker of *processes* with *slots* each."""
    beside = Path(sys.executable).with_name("dibs")
    dibs = str(beside) if beside.exists() else shutil.which("dibs")
    if dibs is None:
        raise IngestError("The command `dibs` is not here; it comes with the package dibs.")
    options = ["--queues", f"documents:{slots}", "--processes", str(processes), "--shutdown", f"{SHUTDOWN_SECONDS:g}"]
    return [dibs, "worker", "dibs_ingest.tasks:app", *options]


def free_port() -> int:
    """A port of the loopback address that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def check_port(host: str, port: int) -> None:
    """See that nobody else listens there, before anything is started.

    Raises:
        IngestError: The port can not be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise IngestError(
                f"Can not listen on {host}, port {port}: {error.strerror}. Is the service running already? "
                "Choose another port with --port."
            ) from error


def wait_until_ready(base_url: str, children: Sequence[Child], *, give_up: Callable[[], bool] = lambda: False) -> None:
    """Wait until the API answers, or there is a reason to give up.

    Raises:
        IngestError: If one of *children* ended meanwhile, or the time is up.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if give_up():
            return
        for child in children:
            child.check()
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(f"{base_url}/health", timeout=10).status_code == httpx2.codes.OK:
                return
        time.sleep(_POLL_SECONDS)
    logs = "\n".join(child.last_lines() for child in children)
    raise IngestError(f"The API did not answer within {READY_SECONDS:g} seconds.\n{logs}".rstrip())
