"""Take back what workers held that are gone, and what a worker holds without knowing."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from dibs.domain.job import ClaimedJob
from dibs.engine.rescue import disown, rescue
from stateful.base import Base, leases, workers
from stateful.model import Job, Ready, Running, Worker
from stateful.rules.living import GRACE

NOBODY = 0
"""Asks without being registered, and so may find that everybody is gone."""


class Rescuing(Base):
    """Rules that end leases which are not presented."""

    @rule(asking=workers | st.just(NOBODY))
    def rescue(self, asking: int) -> None:
        for worker in [id_ for id_, worker in self.model.workers.items() if id_ != asking and self._is_gone(worker)]:
            del self.model.workers[worker]
            self.saw("worker given up")
        orphans = [
            (job, lease) for job, lease in self.model.standing(Running) if lease.worker not in self.model.workers
        ]
        expected = [(job.id, lease.worker, lease.attempt, self._judge(job, lease)) for job, lease in orphans]
        rescued = self.run(rescue(asking, GRACE.total_seconds()))
        assert [(one.job_id, one.worker_id, one.attempt, one.outcome) for one in rescued] == sorted(expected)

    @rule(worker=workers, lease=leases)
    def disown(self, worker: int, lease: ClaimedJob) -> None:
        """The worker knows of all claims but one, which is its own or not."""
        tokens = [one.token for one in self.claimed if one.token != lease.token]
        unknown = []
        for job, place in self.model.standing(Running):
            if place.worker == worker and place.token not in tokens:
                job.place = Ready(place.attempt - 1, place.lost)
                unknown.append(job.id)
        self.saw("disowned", len(unknown))
        assert self.run(disown(worker, tokens)) == sorted(unknown)

    def _is_gone(self, worker: Worker) -> bool:
        silent_for = self.model.now - worker.heartbeat_at
        is_dead = worker.locked and not worker.holds_lock
        return silent_for > GRACE and (is_dead or silent_for > worker.timeout)

    def _judge(self, job: Job, lease: Running) -> str:
        job.errors += 1
        if job.id in self.model.wishes:
            outcome = "c"
        elif lease.attempt >= job.max_attempts:
            outcome = "f"
        else:
            outcome = "h"
        self.saw(f"rescued: {outcome}")
        if outcome == "h":
            job.place = Ready(lease.attempt, lease.lost + 1)
        else:
            self.model.end(job, outcome, lease)
        return outcome
