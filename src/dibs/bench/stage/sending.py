"""Sends jobs through an adapter's producer: as fast as callers can, or at fixed times."""

import asyncio
import inspect
import random
import string
import threading
import time
from array import array
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

BULK_SIZE: Final = 1_000
"""Numbers in one call of `enqueue_many`, unless the adapter says otherwise."""

_WARM_UP_SECONDS: Final = 1.0


@dataclass(slots=True)
class Calls:
    """Jobs that so many callers share out among them, and how long their calls took."""

    numbers: range
    how: str
    """`one` by one, `many` at once, or `fill`: many at once where the system has a way to."""
    size: int
    """How many at once."""
    payload: str | None
    callers: int
    took_ns: list[int] = field(default_factory=list)
    began_ns: int = 0
    ended_ns: int = 0
    cpu_seconds: float = 0.0
    """What this process used between the two."""

    def make(self, adapter: Any, url: str) -> None:
        """Make them. The clock runs from the first call to the last return; connecting comes before."""
        if inspect.iscoroutinefunction(adapter.connect):
            run(self._make_async(adapter, url))
        else:
            self._make_in_threads(adapter, url)

    async def _make_async(self, adapter: Any, url: str) -> None:
        producer = await adapter.connect(url, self.callers)
        call, whats = self._calls_of(producer)

        async def caller() -> None:
            for what in whats:
                began = time.monotonic_ns()
                await call(what, self.payload)
                self.took_ns.append(time.monotonic_ns() - began)

        with self._clock():
            async with asyncio.TaskGroup() as group:
                for _ in range(self.callers):
                    group.create_task(caller())
        await producer.close()

    def _make_in_threads(self, adapter: Any, url: str) -> None:
        producer = adapter.connect(url, self.callers)
        call, whats = self._calls_of(producer)
        turn = threading.Lock()  # an iterator can not be shared by threads as it is

        def caller() -> None:
            while True:
                with turn:
                    what = next(whats, None)
                if what is None:
                    return
                began = time.monotonic_ns()
                call(what, self.payload)
                self.took_ns.append(time.monotonic_ns() - began)

        with self._clock(), ThreadPoolExecutor(self.callers) as pool:
            for future in [pool.submit(caller) for _ in range(self.callers)]:
                future.result()
        producer.close()

    @contextmanager
    def _clock(self) -> Iterator[None]:
        used = time.process_time()
        self.began_ns = time.monotonic_ns()
        yield
        self.ended_ns = time.monotonic_ns()
        self.cpu_seconds = time.process_time() - used

    def _calls_of(self, producer: Any) -> tuple[Callable[[Any, str | None], Any], Iterator[Any]]:
        """The producer's method, and what to give to it call by call."""
        if self.how == "fill":
            self.how = "many" if hasattr(producer, "enqueue_many") else "one"
        if self.how == "one":
            return producer.enqueue, iter(self.numbers)
        starts = range(0, len(self.numbers), self.size)
        return producer.enqueue_many, (list(self.numbers[start : start + self.size]) for start in starts)


@dataclass(slots=True)
class Timetable:
    """Jobs that are sent at fixed times, however long a call takes; one more goes first, to open connections."""

    first: int
    """The number of the job that goes first. It is not on the timetable."""
    rate: float
    count: int
    payload: str | None
    callers: int
    began_ns: int = 0

    def keep(self, adapter: Any, url: str) -> None:
        """Send all."""
        if inspect.iscoroutinefunction(adapter.connect):
            run(self._keep_async(adapter, url))
        else:
            self._keep_in_threads(adapter, url)

    def sent(self, jobs: int) -> "array[int]":
        """By number, when each was to be sent; 0: not on the timetable."""
        times = array("q", bytes(8 * jobs))
        for nth in range(self.count):
            times[self.first + 1 + nth] = self._due_ns(nth)
        return times

    def _due_ns(self, nth: int) -> int:
        return self.began_ns + int(nth / self.rate * 1e9)

    def _begin(self) -> None:
        self.began_ns = time.monotonic_ns() + int(_WARM_UP_SECONDS * 1e9)

    def _wait_seconds(self, nth: int) -> float:
        return max(self._due_ns(nth) - time.monotonic_ns(), 0) / 1e9

    async def _keep_async(self, adapter: Any, url: str) -> None:
        producer = await adapter.connect(url, self.callers)
        await producer.enqueue(self.first, self.payload)
        self._begin()
        async with asyncio.TaskGroup() as group:
            for nth in range(self.count):
                await asyncio.sleep(self._wait_seconds(nth))
                group.create_task(producer.enqueue(self.first + 1 + nth, self.payload))
        await producer.close()

    def _keep_in_threads(self, adapter: Any, url: str) -> None:
        producer = adapter.connect(url, self.callers)
        producer.enqueue(self.first, self.payload)
        self._begin()
        futures = []
        with ThreadPoolExecutor(self.callers) as pool:
            for nth in range(self.count):
                time.sleep(self._wait_seconds(nth))
                futures.append(pool.submit(producer.enqueue, self.first + 1 + nth, self.payload))
        for future in futures:
            future.result()
        producer.close()


def make_payload(size: int | None) -> str | None:
    """A text of *size* characters that does not compress to nothing, the same in each run."""
    if size is None:
        return None
    return "".join(random.Random(size).choices(string.ascii_letters + string.digits, k=size))  # noqa: S311


def percentiles(values: list[int]) -> dict[str, int]:
    """The middle and the tail; nothing of nothing."""
    ordered = sorted(values)
    return {
        name: ordered[min(int(len(ordered) * share), len(ordered) - 1)]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        if ordered
    }


def run(work: Awaitable[Any]) -> Any:
    """Run *work* in an event loop: the faster one where the system's environment has it."""

    async def awaited() -> Any:
        return await work

    try:
        import uvloop
    except ImportError:
        return asyncio.run(awaited())
    return uvloop.run(awaited())
