"""A producer: a process that enqueues jobs at an even pace through the public API and notes each call's answer.

python -m chaos.producer --first 0 --jobs 5000 --seconds 20 --seed 1
"""

import argparse
import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from chaos import tasks
from chaos.notes import FOLDER_VARIABLE, Called, Notebook, now
from dibs import DatabaseUnavailableError, NewJob

CALLERS: Final = 8
"""Coroutines that call side by side, as a web application's requests do."""

JOBS_MAX: Final = 40
"""In one call."""

SLOW_PER_SECOND: Final = 12.0
"""Of all producers of a run together: enough for each worker to hold some at any time, and no more."""

SLOW_SHARE_MAX: Final = 0.1
PAUSE_SECONDS: Final = 0.5
"""After a call that was not answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one producer sends."""

    first: int
    """The number of its first job."""
    jobs: int
    seconds: float
    slow_share: float
    seed: int


class Producer:
    """Sends a load."""

    def __init__(self, load: Load, notebook: Notebook) -> None:
        self._load = load
        self._notebook = notebook
        self._random = random.Random(load.seed)  # noqa: S311 - a load, not a secret
        self._next = load.first
        self._left = load.jobs
        self._began = monotonic()

    async def run(self) -> None:
        """Send until so many are acknowledged as were to be. What is not answered is not asked for again."""
        await asyncio.gather(*(self._call_again_and_again() for _ in range(CALLERS)))

    async def _call_again_and_again(self) -> None:
        while self._left:
            size = min(self._size(), self._left)
            first = self._next
            self._next += size
            self._left -= size
            due_at = self._began + self._load.seconds * (1 - self._left / self._load.jobs)
            await asyncio.sleep(max(due_at - monotonic(), 0.0))
            await self._call(range(first, first + size), is_batch=size > 1 and self._random.random() < 0.3)  # noqa: PLR2004

    def _size(self) -> int:
        """Most calls ask for one job."""
        return 1 if self._random.random() < 0.6 else self._random.randint(2, JOBS_MAX)  # noqa: PLR2004

    async def _call(self, numbers: range, *, is_batch: bool) -> None:
        jobs = [draw(self._random, number, self._load.slow_share) for number in numbers]
        try:
            ids, batch = await (_batch(jobs) if is_batch else _enqueue(jobs))
        except DatabaseUnavailableError as error:  # nothing was sent
            self._notebook.add(Called(at=now(), answer="failed", numbers=tuple(numbers), error=str(error)[:200]))
        except Exception as error:  # noqa: BLE001 - whatever it is, the statement may have been committed
            said = f"{type(error).__name__}: {error}"[:200]
            self._notebook.add(Called(at=now(), answer="unknown", numbers=tuple(numbers), error=said))
        else:
            self._notebook.add(Called(at=now(), answer="ok", numbers=tuple(numbers), ids=ids, batch=batch))
            return
        self._left += len(numbers)  # others, under other numbers, take their place
        await asyncio.sleep(PAUSE_SECONDS)


async def _enqueue(jobs: list[NewJob]) -> tuple[tuple[int, ...], int | None]:
    return tuple(job.id for job in await tasks.app.enqueue_many(jobs)), None


async def _batch(jobs: list[NewJob]) -> tuple[tuple[int, ...], int | None]:
    batch = await tasks.app.batch("under fire", jobs)
    return tuple(job.id for job in batch.jobs), batch.id


Draw = Callable[[random.Random, int], NewJob]

KINDS: Final[dict[Draw, int]] = {
    lambda _, number: tasks.count.job(number): 45,
    lambda chance, number: tasks.count.options(delay=chance.random()).job(number): 10,
    lambda _, number: tasks.count_in_thread.job(number): 10,
    lambda _, number: tasks.settle.job(number): 15,
    lambda _, number: tasks.settle_in_thread.job(number): 3,
    lambda chance, number: tasks.stumble.job(number, chance.randint(1, 3)): 10,
    lambda _, number: tasks.fall.job(number): 2,
    lambda _, number: tasks.snooze.job(number): 5,
}
"""Ways to make a short job, and how often each is drawn."""

SLOW_KINDS: Final[tuple[Draw, ...]] = (
    lambda chance, number: tasks.dawdle.job(number, chance.uniform(0.5, 1.5)),
    lambda chance, number: tasks.settle_slowly.job(number, chance.uniform(0.5, 1.5)),
)


def draw(chance: random.Random, number: int, slow_share: float) -> NewJob:
    """The job with this number."""
    if chance.random() < slow_share:
        return chance.choice(SLOW_KINDS)(chance, number)
    return chance.choices(list(KINDS), list(KINDS.values()))[0](chance, number)


def slow_share(jobs: int, seconds: float) -> float:
    """Which share of the jobs of a run is slow."""
    return min(SLOW_SHARE_MAX, SLOW_PER_SECOND * seconds / jobs)


def main() -> None:
    """Send what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--slow-share", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    load = Load(**vars(parser.parse_args()))
    notebook = Notebook(Path(os.environ[FOLDER_VARIABLE]) / f"producer-{load.first}.jsonl")
    asyncio.run(_send(Producer(load, notebook).run))


async def _send(send: Callable[[], Awaitable[None]]) -> None:
    async with tasks.app:
        await send()


if __name__ == "__main__":
    main()
