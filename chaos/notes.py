"""What a history is made of: one note a line, written by whoever saw it happen, into a file of its own.

A note is in the kernel's hands when `add` returns, so it outlives the process that wrote it, SIGKILL included. Nothing
is ever rewritten. All times are seconds of the machine's wall clock, which is also the database's.
"""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

FOLDER_VARIABLE = "CHAOS_HISTORY"
"""Names the folder of the history to every process of a run."""

Answer: TypeAlias = Literal["ok", "failed", "unknown"]
How: TypeAlias = Literal["returned", "snoozed", "lease lost", "raised"]


class _Note(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag_field="what"):
    pass


class Called(_Note, frozen=True, tag="called"):
    """A producer's call has returned."""

    at: float
    answer: Answer
    """ok: acknowledged; failed: surely not written; unknown: the connection was lost, so it may be written or not."""
    numbers: tuple[int, ...]
    """What the call asked for. Each job of a run has a number of its own in its arguments."""
    ids: tuple[int, ...] = ()
    """The jobs that were acknowledged, in the order of the numbers."""
    batch: int | None = None
    error: str = ""


class Began(_Note, frozen=True, tag="began"):
    """An execution has begun."""

    at: float
    job: int
    token: int
    attempt: int
    pid: int


class Effect(_Note, frozen=True, tag="effect"):
    """A task has done its work, where no transaction could undo it."""

    at: float
    job: int
    token: int


class Ended(_Note, frozen=True, tag="ended"):
    """An execution has come to its end, whatever is recorded of it."""

    at: float
    job: int
    token: int
    attempt: int
    how: How


class Struck(_Note, frozen=True, tag="struck"):
    """The nemesis has struck, and it is over."""

    at: float
    until: float
    name: str
    pids: tuple[int, ...] = ()
    """Workers that were hit; empty: whoever uses the server."""
    how: str = ""


class Left(_Note, frozen=True, tag="left"):
    """A worker has ended otherwise than it was told to."""

    at: float
    pid: int
    code: int


class Refused(_Note, frozen=True, tag="refused"):
    """A worker was told that an ending of this job came too late."""

    job: int


class Found(_Note, frozen=True, tag="found"):
    """A job as the tables have it at the end of the run."""

    job: int
    number: int | None
    task: str
    places: tuple[str, ...]
    batch: int | None = None
    outcome: str | None = None
    attempt: int | None = None
    finished_at: float | None = None


class Settled(_Note, frozen=True, tag="settled"):
    """A row that a task wrote in its job's transaction."""

    job: int
    token: int
    attempt: int


class Counted(_Note, frozen=True, tag="counted"):
    """What a batch says of itself at the end."""

    batch: int
    total: int
    succeeded: int
    failed: int
    cancelled: int


Note: TypeAlias = Called | Began | Effect | Ended | Struck | Left | Refused | Found | Settled | Counted

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Note] = msgspec.json.Decoder(Note)


class Notebook:
    """A file of the history that one process adds to."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def add(self, *notes: Note) -> None:
        """Write *notes*. Safe from any thread: each call is one write at the end of the file."""
        os.write(self._descriptor, _encoder.encode_lines(notes))

    def close(self) -> None:
        """Add no more."""
        os.close(self._descriptor)


def read(folder: Path) -> Iterator[Note]:
    """All notes of a history, one file after the other."""
    for file in sorted(folder.glob("*.jsonl")):
        with file.open("rb") as lines:
            yield from map(_decoder.decode, lines)


def write(file: Path, notes: Iterable[Note]) -> None:
    """Write a file of many notes at once."""
    with file.open("wb") as lines:
        for note in notes:
            lines.write(_encoder.encode(note) + b"\n")


def now() -> float:
    """When it is."""
    return time.time()
