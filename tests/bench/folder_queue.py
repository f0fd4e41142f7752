"""The simplest job queue there is, as an adapter: files in a folder. Its profiles make mistakes that must be seen."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tally

SERVER = "none"
KEEPS_RECORD = True
PROFILES: dict[str, dict[str, Any]] = {
    "honest": {},
    "loses": {"skips": 7},
    "repeats": {"repeats": 7},
    "does_not_retry": {"retries": False},
    "forgets": {"forgets": 7},
    "records_late": {"late_seconds": 0.5},
    "crashes": {"crashes": True},
}


def prepare(url: str) -> None:
    for name in ("line", "taken", "done"):
        (Path(url) / name).mkdir()


class Producer:
    def __init__(self, url: str) -> None:
        self._line = Path(url) / "line"

    def enqueue(self, number: int, payload: str | None) -> None:
        (self._line / str(number)).write_text(payload or "")

    def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> None:
        for number in numbers:
            self.enqueue(number, payload)

    def close(self) -> None:
        pass


def connect(url: str, callers: int) -> Producer:
    return Producer(url)


def work(url: str, profile: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    settings = PROFILES[profile]
    if settings.get("crashes"):
        raise RuntimeError("the worker has crashed")
    line, taken, done = (Path(url) / name for name in ("line", "taken", "done"))
    while True:
        for file in line.iterdir():
            try:
                file.rename(taken / file.name)
            except FileNotFoundError:
                continue  # another worker was faster
            run(int(file.name), settings)
            if not any(line.iterdir()):
                time.sleep(settings.get("late_seconds", 0))
            if int(file.name) != settings.get("forgets"):
                (done / file.name).touch()


def run(number: int, settings: dict[str, Any]) -> None:
    if number == settings.get("skips"):
        return
    for _ in range(2 if number == settings.get("repeats") else 1):
        try:
            tally.run_sync(number)
        except tally.DeliberateError:
            if settings.get("retries", True):
                tally.run_sync(number)


def finished(url: str) -> int | None:
    return len(list((Path(url) / "done").iterdir()))
