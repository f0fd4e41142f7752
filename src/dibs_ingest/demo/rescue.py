"""Kill a worker in the middle, and watch its jobs come back."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dibs_ingest.run.processes import Child

#: The share of files that is to be done before the worker is killed.
_SHARE_DONE = 0.25


@dataclass(slots=True, kw_only=True)
class Rescue:
    """Kills the worker once, starts another, and notes when each of the lost jobs is back."""

    worker: Child
    start_worker: Callable[[], Child]
    say: Callable[[str], None]
    #: Seconds from the kill until each lost job was back in line, by file name.
    back_after: dict[str, float] = field(default_factory=dict)
    _lost: dict[int, int] = field(default_factory=dict)
    _killed_at: float | None = None

    def see(self, tasks: Mapping[int, Mapping[str, Any]]) -> None:
        """Look at all files after each change; act when the time has come."""
        if self._killed_at is None:
            if _is_middle(list(tasks.values())):
                self._kill(tasks)
            return
        for task_id, attempt in list(self._lost.items()):
            task = tasks[task_id]
            if task["state"] != "running" or task["attempt"] > attempt:
                seconds = time.monotonic() - self._killed_at
                del self._lost[task_id]
                self.back_after[task["filename"]] = seconds
                self.say(f"Rescued: {task['filename']} is back in line {seconds:.1f} s after the kill.")

    @property
    def is_complete(self) -> bool:
        """True when the worker was killed with jobs in hand and all of them came back."""
        return bool(self.back_after) and not self._lost

    def _kill(self, tasks: Mapping[int, Mapping[str, Any]]) -> None:
        self.worker.kill()
        self._killed_at = time.monotonic()
        running = {number: task for number, task in tasks.items() if task["state"] == "running"}
        self._lost = {number: task["attempt"] for number, task in running.items()}
        names = ", ".join(str(task["filename"]) for task in running.values())
        self.say(f"Killed the worker (SIGKILL) while it had in hand: {names}. Starting another ...")
        self.worker = self.start_worker()


def _is_middle(tasks: Sequence[Mapping[str, Any]]) -> bool:
    done = sum(task["state"] == "succeeded" for task in tasks)
    at_work = [task for task in tasks if task["state"] == "running" and task["chunks_done"] > 0]
    return done >= len(tasks) * _SHARE_DONE and any(
        task["chunks_done"] < (task["chunks_total"] or 0) for task in at_work
    )
