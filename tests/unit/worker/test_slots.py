"""The slots of a worker: what counts as a job's own time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from dibs import Dibs
from dibs.domain.job import ClaimedJob
from dibs.worker import finisher as finishers
from dibs.worker import slots as places
from dibs.worker.alarm import Alarm
from dibs.worker.finisher import Finisher
from dibs.worker.line import Line
from dibs.worker.slots import Slots
from dibs.worker.suspects import Suspects
from dibs.worker.threads import Threads
from dibs.worker.transaction import Lender

app = Dibs("postgresql:///nowhere")


@app.task(name="nothing")
async def nothing() -> None:
    """Ends at once."""


@app.task(name="cancels itself")
async def cancels_itself() -> None:
    """Ends at its second turn, and leaves a cancellation behind."""
    await asyncio.sleep(0)
    current = asyncio.current_task()
    assert current is not None
    current.cancel()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched(Line):
    """A line that notes how long each job is said to have taken."""

    def __init__(self) -> None:
        super().__init__("default", 1, Suspects())
        self.took: dict[int, float] = {}

    def ended(self, job: ClaimedJob, seconds: float) -> bool:
        self.took[job.id] = seconds
        return super().ended(job, seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(places, "monotonic", clock)
    return clock


def job(id_: int, task: str = "nothing") -> ClaimedJob:
    return ClaimedJob(
        id=id_, token=1, lost=0, queue_id=1, priority=0, attempt=1, task=task, args_json="{}", max_attempts=3,
        timeout_seconds=None, retry_json=None, batch_id=None,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def serving(line: Line, finisher: Finisher) -> AsyncIterator[Slots]:
    place, threads = app.workplace(), Threads(1)
    lender = Lender(dsn=place.dsn, schema=place.schema, pooled=place.connection)
    slots = Slots([line], finisher, place.registry, threads, alarm=Alarm(10), lender=lender)
    (slot,) = slots.start()
    yield slots
    slot.cancel()
    await asyncio.wait({slot})
    threads.close()


async def test_the_wait_until_endings_are_recorded_is_not_the_next_jobs_time(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(finishers, "BACKLOG_MAX", 2)
    line, finisher = Watched(), Finisher()
    line.put([job(1), job(2), job(3)])
    async with serving(line, finisher):
        while not finisher.is_full:
            await asyncio.sleep(0)
        clock.now += 60.0  # the database does not take them for so long
        finisher.take_successes()
        finisher.flushed()
        while 3 not in line.took:
            await asyncio.sleep(0)
    assert line.took == {1: 0.0, 2: 0.0, 3: 0.0}


async def test_a_job_is_always_known_to_run_or_to_have_ended():
    """A token that is neither is taken for that of a claim whose answer was lost, and the job is handed back."""
    line, finisher = Watched(), Finisher()
    line.put([job(1, "cancels itself")])
    async with serving(line, finisher) as slots:
        while not slots.running:
            await asyncio.sleep(0)
        for _ in range(10):
            assert [*slots.tokens(), *finisher.tokens()] == [1]
            await asyncio.sleep(0)
    assert not slots.running
