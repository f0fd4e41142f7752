"""Real child processes: started, listened to, signalled, and surely gone when the test ends."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from support.waiting import DEADLINE_SECONDS

#: The `dibs` command of the environment that runs the tests.
DIBS = str(Path(sys.executable).with_name("dibs"))


class Child:
    """A running command. Its output, errors included, is gathered line by line as it comes.

    It leads a process group of its own: a signal to it reaches only it, and `close` its children too.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: int | None = None,
    ) -> None:
        self.command = list(command)
        self._lines: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            self.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id, which is its process group too."""
        return self._process.pid

    @property
    def output(self) -> str:
        """All it has said so far."""
        with self._news:
            return "".join(self._lines)

    @property
    def is_alive(self) -> bool:
        """True until it has ended."""
        return self._process.poll() is None

    def wait_for(self, pattern: str, *, within: float = DEADLINE_SECONDS, after: int = 0) -> re.Match[str]:
        """The first line, from line *after* on, where *pattern* is found; fails if there is none in time."""
        expression, deadline, seen = re.compile(pattern), time.monotonic() + within, after
        with self._news:
            while True:
                for line in self._lines[seen:]:
                    seen += 1
                    if found := expression.search(line):
                        return found
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    break
                self._news.wait(left)
            said = "".join(self._lines)
        state = "it ended" if self._ended else f"not within {within} s"
        raise AssertionError(f"no line matches {pattern!r} ({state}): {self.command}\n{said}")

    def line_count(self) -> int:
        """How many lines it has said: pass it to `wait_for` to hear only what comes from now on."""
        with self._news:
            return len(self._lines)

    def send(self, signum: int) -> None:
        """Send a signal to the process alone."""
        self._process.send_signal(signum)

    def send_to_group(self, signum: int) -> None:
        """Send a signal to its process group, as Ctrl-C in a terminal does."""
        os.killpg(self.pid, signum)

    def wait(self, *, within: float = DEADLINE_SECONDS) -> int:
        """Its exit code, when it has ended and all was read; fails if it does not end in time."""
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {within} s: {self.command}\n{self.output}") from None
        self._reader.join(timeout=1)
        return code

    def close(self) -> None:
        """Kill it and its children, whatever state they are in."""
        # Even when it has ended itself: what it started may live on in its group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=5)
        assert self._process.stdout is not None
        if not self._reader.is_alive():
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
