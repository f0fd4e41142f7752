"""What the engine has to know, in plain Python: where each job stands, who works, and what time it is.

Only what several rules need is here; what an operation does to it stands beside the rule that runs the operation.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from dibs.domain.retention import DEAD_LETTERS_KEPT, FINISHED_KEPT

START = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Ready:
    attempt: int
    lost: int


@dataclass(frozen=True)
class Scheduled:
    attempt: int
    lost: int
    run_at: datetime
    reason: str


@dataclass(frozen=True)
class Running:
    attempt: int
    lost: int
    token: int
    worker: int
    since: datetime


@dataclass(frozen=True)
class Done:
    attempt: int
    outcome: str
    worker: int | None
    started_at: datetime | None
    finished_at: datetime


Place = Ready | Scheduled | Running | Done
P = TypeVar("P", Ready, Scheduled, Running, Done)


@dataclass
class Job:
    """A job, and the one place where it is."""

    id: int
    queue: str
    priority: int
    max_attempts: int
    batch: int | None
    place: Place
    errors: int = 0
    progress: tuple[int, int | None] | None = None


@dataclass
class Worker:
    queues: frozenset[str]
    timeout: timedelta
    heartbeat_at: datetime
    holds_lock: bool
    """Whether its process is there."""
    locked: bool = True
    """Whether it has said so."""
    asleep: bool = False


@dataclass
class Batch:
    total: int
    pruned: Counter[str] = field(default_factory=Counter)


@dataclass
class Turn:
    """Who prunes, and until when nobody else does."""

    holder: int = 0
    until: datetime | None = None


@dataclass
class Model:
    now: datetime = START
    jobs: dict[int, Job] = field(default_factory=dict)
    workers: dict[int, Worker] = field(default_factory=dict)
    batches: dict[int, Batch] = field(default_factory=dict)
    wishes: set[int] = field(default_factory=set)
    """Jobs that ran when somebody wished to cancel them."""
    last_token: int = 0
    promoted_until: datetime | None = None
    turn: Turn = field(default_factory=Turn)
    kept: dict[tuple[float, float], datetime] = field(default_factory=dict)
    """Seconds that apps want finished jobs and dead letters to be kept, and when they last said so."""

    def standing(self, place: type[P]) -> Iterator[tuple[Job, P]]:
        """The jobs in places of one kind."""
        for job in list(self.jobs.values()):
            if isinstance(job.place, place):
                yield job, job.place

    def line(self, queue: str) -> list[Job]:
        """The jobs in line, in the order in which they are to be claimed."""
        jobs = [job for job, _ in self.standing(Ready) if job.queue == queue]
        return sorted(jobs, key=lambda job: (-job.priority, job.id))

    def held(self, job_id: int, token: int) -> tuple[Job, Running] | None:
        """The job and its lease, if the token is that of the lease."""
        job = self.jobs.get(job_id)
        if job is None or not isinstance(job.place, Running) or job.place.token != token:
            return None
        return job, job.place

    def end(self, job: Job, outcome: str, lease: Running) -> None:
        """A running job ends."""
        job.place = Done(lease.attempt, outcome, lease.worker, lease.since, self.now)

    def end_waiting(self, job: Job) -> None:
        """A job is cancelled before it ran."""
        assert isinstance(job.place, Ready | Scheduled)
        job.place = Done(job.place.attempt, "c", None, None, self.now)

    def put_back(self, job: Job, attempt: int, lost: int, delay: timedelta, reason: str) -> None:
        """A job goes to the schedule, or to the line when there is no delay."""
        job.place = Scheduled(attempt, lost, self.now + delay, reason) if delay else Ready(attempt, lost)

    def counts(self, batch_id: int) -> Counter[str]:
        """How many jobs of a batch have ended how, and how many run."""
        counted = Counter(self.batches[batch_id].pruned)
        counted.update(job_place.outcome for job, job_place in self.standing(Done) if job.batch == batch_id)
        counted["running"] = sum(job.batch == batch_id for job, _ in self.standing(Running))
        return counted

    @property
    def retention(self) -> tuple[float, float]:
        """Seconds that finished jobs and dead letters are kept: the longest that anybody asked for."""
        if not self.kept:
            return FINISHED_KEPT.total_seconds(), DEAD_LETTERS_KEPT.total_seconds()
        finished, dead_letters = zip(*self.kept, strict=True)
        return max(finished), max(dead_letters)
