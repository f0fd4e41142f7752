"""Processes of the service: start them, wait until they answer, stop them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx2

from dibs_ingest.errors import IngestError

#: A worker hands back what it can not finish in this time.
STOP_SECONDS = 30.0
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

    def stop(self, *, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end, and see to it after *seconds*; its exit code. May be called again."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
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
    options = [
        "--host",
        host,
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--timeout-graceful-shutdown",
        "5",
    ]
    return [sys.executable, "-m", "uvicorn", "--factory", "dibs_ingest.api:create_app", *options]


def worker_command(*, slots: int, processes: int = 1) -> list[str]:
    """The command line of a worker of *processes* with *slots* each."""
    beside = Path(sys.executable).with_name("dibs")
    dibs = str(beside) if beside.exists() else shutil.which("dibs")
    if dibs is None:
        raise IngestError("The command `dibs` is not here; it comes with the package dibs.")
    options = ["--queues", f"documents:{slots}", "--processes", str(processes)]
    return [dibs, "worker", "dibs_ingest.tasks:app", *options]


def free_port() -> int:
    """A port of the loopback address that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(base_url: str, children: Sequence[Child], *, seconds: float = READY_SECONDS) -> None:
    """Wait until the API answers.

    Raises:
        IngestError: If one of *children* ended meanwhile, or the time is up.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for child in children:
            child.check()
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(f"{base_url}/health", timeout=10).status_code == httpx2.codes.OK:
                return
        time.sleep(_POLL_SECONDS)
    logs = "\n".join(child.last_lines() for child in children)
    raise IngestError(f"The API did not answer within {seconds:g} seconds.\n{logs}".rstrip())
