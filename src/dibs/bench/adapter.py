"""What an adapter file offers, so that a system can be measured.

An adapter is one Python file. `stage.py` loads it by its path, in the environment in which the system is installed, so
it imports the system's library and `tally`, and nothing else of the harness. A task takes `(number, payload)` and does
nothing but `await tally.run(number)`, or call `tally.run_sync(number)`.

Functions may be asynchronous or plain. Where `connect` and the producer are plain, concurrent callers are threads.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol


class Producer(Protocol):
    """An open door for jobs, shared by all callers of one process.

    A system with a way to write many jobs at once has the method `enqueue_many`, too; see `BulkProducer`.
    """

    def enqueue(self, number: int, payload: str | None) -> Awaitable[object] | object:
        """Write one job; return when it is as safe as the system makes it."""
        ...

    def close(self) -> Awaitable[object] | object:
        """Close connections."""
        ...


class BulkProducer(Producer, Protocol):
    """A producer of a system with a bulk path."""

    def enqueue_many(self, numbers: Sequence[int], payload: str | None) -> Awaitable[object] | object:
        """Write many jobs by the fastest documented way."""
        ...


class Adapter(Protocol):
    """The names that an adapter file defines.

    It may define `BULK_SIZE`, too: how many numbers `enqueue_many` should be given at a time (1,000 without it).
    """

    SERVER: str
    """`postgres` or `redis`."""
    KEEPS_RECORD: bool
    """True when finished jobs stay on record, as a part of what is measured."""
    PROFILES: Mapping[str, Mapping[str, Any]]
    """Settings by profile: `default` (ten jobs at a time, else as it comes) and `best` (the best documented ones)."""

    def prepare(self, url: str) -> Awaitable[None] | None:
        """Make the system's tables in an empty database."""
        ...

    def connect(self, url: str, callers: int) -> Awaitable[Producer] | Producer:
        """Open a producer for so many concurrent callers."""
        ...

    def work(self, url: str, profile: str) -> None:
        """Run one worker, by the system's own notion of one, in the foreground until SIGTERM."""
        ...

    def finished(self, url: str) -> Awaitable[int | None] | int | None:
        """How many jobs the system itself knows to have finished; nothing when it can not say."""
        ...
