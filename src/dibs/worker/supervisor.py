"""Several worker processes under one: started together, stopped together, replaced when one dies."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Final

log = logging.getLogger("dibs.supervisor")

RESTART_SECONDS: Final = 1.0
"""A process that dies is replaced no sooner than this after its own start, so that a crash loop stays slow."""

CONFIGURATION_EXIT: Final = 2
"""A worker that ends with this can not start at all; starting it again would not help."""


LIFELINE_VARIABLE: Final = "DIBS_SUPERVISOR_PIPE"
"""Names, to a child, the end of a pipe that closes when its supervisor is gone, however that happened."""


class Supervisor:
    """Keeps *count* processes of the same command running."""

    def __init__(self, command: Sequence[str], count: int) -> None:
        self._command = list(command)
        self._count = count
        self._children: dict[subprocess.Popen[bytes], float] = {}
        self._signals = 0
        self._lifeline, self._our_end = os.pipe()

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, which are handed on. Gives the exit code: the worst of the children's."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        for _ in range(self._count):
            self._start()
        worst = 0
        while self._children:
            for child in [c for c in self._children if c.poll() is not None]:
                started_at = self._children.pop(child)
                if self._signals:
                    # A child that had no handler yet when it was stopped had no jobs yet, either.
                    worst = max(worst, 0 if child.returncode == -signal.SIGTERM else _exit_code(child))
                elif child.returncode == CONFIGURATION_EXIT:
                    worst = CONFIGURATION_EXIT
                    self._on_signal(signal.SIGTERM, None)
                else:
                    log.error("worker process %d ended with %s; starting another", child.pid, child.returncode)
                    time.sleep(max(started_at + RESTART_SECONDS - time.monotonic(), 0.0))
                    self._start()
            time.sleep(0.05)
        return worst

    def _start(self) -> None:
        if not self._signals:
            # A session of its own: a Ctrl-C in the terminal reaches the supervisor alone, which hands it on once.
            child = subprocess.Popen(  # noqa: S603 - our own command
                self._command,
                start_new_session=True,
                pass_fds=(self._lifeline,),
                env={**os.environ, LIFELINE_VARIABLE: str(self._lifeline)},
            )
            self._children[child] = time.monotonic()
            self._hand_on_missed_signal(child)

    def _hand_on_missed_signal(self, child: subprocess.Popen[bytes]) -> None:
        """A signal that came while *child* was being started could not reach it yet."""
        if self._signals:
            child.send_signal(signal.SIGTERM)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        for child in self._children:
            child.send_signal(signal.SIGTERM)


def _exit_code(child: subprocess.Popen[bytes]) -> int:
    """A shell's way to tell an exit by signal."""
    code = child.returncode
    return 128 - code if code < 0 else code


def worker_command(arguments: Sequence[str]) -> list[str]:
    """The command of one worker process."""
    return [sys.executable, "-m", "dibs", "worker", *arguments]
