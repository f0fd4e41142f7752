"""Enqueue jobs: due, delayed, at a time; alone, many at once, by COPY, and in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, initialize, multiple, rule

from dibs.domain.job import NewJob
from dibs.engine.batch import create_batch
from dibs.engine.enqueue import enqueue
from stateful.base import Base, hours, jobs, priorities, queues
from stateful.model import Batch, Job, Place, Ready, Scheduled


@dataclass(frozen=True)
class Request:
    """A job to enqueue, with its time told from now on."""

    queue: str
    priority: int
    max_attempts: int
    delay: timedelta | None
    at: timedelta | None

    def new_job(self, now: datetime) -> NewJob:
        """The job to write."""
        return NewJob(
            task="tests.task",
            args_json="{}",
            queue=self.queue,
            priority=self.priority,
            max_attempts=self.max_attempts,
            run_at=None if self.at is None else now + self.at,
            delay_seconds=None if self.delay is None else self.delay.total_seconds(),
        )

    def place(self, now: datetime) -> Place:
        """Where it stands at first; a time counts before a delay."""
        wait = self.at if self.at is not None else self.delay
        return Scheduled(0, 0, now + wait, "delay") if wait is not None and wait > timedelta(0) else Ready(0, 0)


requests = st.builds(
    Request,
    queue=queues,
    priority=priorities,
    max_attempts=st.integers(1, 3),
    delay=st.none() | hours,
    at=st.none() | st.none() | hours.map(lambda wait: wait - timedelta(hours=1)),
)


class Enqueueing(Base):
    """Rules that write jobs."""

    @initialize(target=jobs, wanted=st.lists(requests, min_size=1, max_size=4))
    def begin_with_some(self, wanted: list[Request]) -> MultipleResults[int]:
        """A history that begins with nothing to do is a short one."""
        return self._enqueue(wanted)

    @rule(target=jobs, wanted=st.lists(requests, min_size=1, max_size=6))
    def enqueue(self, wanted: list[Request]) -> MultipleResults[int]:
        return self._enqueue(wanted)

    @rule(target=jobs, wanted=st.lists(requests, min_size=1, max_size=6))
    def create_batch(self, wanted: list[Request]) -> MultipleResults[int]:
        made = self.run(create_batch("upload", [request.new_job(self.model.now) for request in wanted]))
        self.model.batches[made.id] = Batch(total=len(wanted))
        return self._written(wanted, [job.id for job in made.jobs], batch=made.id)

    def _enqueue(self, wanted: list[Request]) -> MultipleResults[int]:
        written = self.run(enqueue([request.new_job(self.model.now) for request in wanted]))
        return self._written(wanted, [job.id for job in written], batch=None)

    def _written(self, wanted: Sequence[Request], ids: list[int], batch: int | None) -> MultipleResults[int]:
        known = max(self.model.jobs, default=0)
        assert ids == sorted({*ids}), "ids in the order in which the jobs were given"
        assert min(ids) > known, "ids rise with time"
        for id_, asked in zip(ids, wanted, strict=True):
            place = asked.place(self.model.now)
            self.model.jobs[id_] = Job(id_, asked.queue, asked.priority, asked.max_attempts, batch, place)
        return multiple(*ids)
