"""Claim jobs, and record successes on the way."""

from collections.abc import Iterable, Mapping

from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, consumes, multiple, rule

from dibs.domain.job import ClaimedJob
from dibs.engine.claim import Floor, claim, succeed_and_claim
from stateful.base import QUEUES, Base, fresh, leases, priorities, queues, workers
from stateful.model import Job, Ready, Running

demands = st.fixed_dictionaries({queue: st.integers(0, 4) for queue in QUEUES})
floors = st.dictionaries(st.tuples(queues, priorities), st.integers(0, 20), max_size=6)

Floors = Mapping[tuple[str, int], int]


class Claiming(Base):
    """Rules that make leases."""

    @rule(targets=(leases, fresh), worker=workers, wanted=demands)
    def claim(self, worker: int, wanted: dict[str, int]) -> MultipleResults[ClaimedJob]:
        expected = [job for queue, count in wanted.items() for job in self.model.line(queue)[:count]]
        claimed = self.run(claim(worker, self._by_id(wanted)))
        return self._leased(worker, expected, claimed)

    # Without claims nothing happens: they are to be twice as likely as other steps.
    claim_again = claim

    @rule(
        targets=(leases, fresh),
        worker=workers,
        lease=consumes(fresh),
        whole_claim=st.booleans(),
        late=st.booleans(),
        hints=floors,
        wanted=demands,
    )
    def succeed_and_claim(
        self,
        worker: int,
        lease: ClaimedJob,
        *,
        whole_claim: bool,
        late: bool,
        hints: Floors,
        wanted: dict[str, int],
    ) -> MultipleResults[ClaimedJob]:
        """A success that is told twice at once counts once, and is not refused."""
        told = [lease, *self.told(lease, whole_claim=whole_claim, late=late)]
        refused = self._succeed({(one.id, one.token) for one in told})
        expected = [job for queue, count in wanted.items() for job in self._behind(hints, queue)[:count]]
        best_first = sorted(hints.items(), key=lambda hint: -hint[0][1])
        trip = self.run(
            succeed_and_claim(
                worker,
                told,
                [Floor(self.queue_id(queue), priority, job_id) for (queue, priority), job_id in best_first],
                self._by_id(wanted),
            )
        )
        assert sorted(trip.refused) == refused, "successes without their lease, and none else, are refused"
        return self._leased(worker, expected, trip.claimed)

    def _succeed(self, told: Iterable[tuple[int, int]]) -> list[int]:
        refused = []
        for job_id, token in sorted(told):
            if held := self.model.held(job_id, token):
                self.model.end(held[0], "s", held[1])
                self.saw("success accepted")
            else:
                refused.append(job_id)
                self.saw("success refused")
        return refused

    def _behind(self, hints: Floors, queue: str) -> list[Job]:
        return [job for job in self.model.line(queue) if job.id >= hints.get((queue, job.priority), job.id + 1)]

    def _by_id(self, wanted: Mapping[str, int]) -> dict[int, int]:
        return {self.queue_id(queue): count for queue, count in wanted.items() if count}

    def _leased(self, worker: int, expected: list[Job], claimed: list[ClaimedJob]) -> MultipleResults[ClaimedJob]:
        if worker not in self.model.workers:
            expected = []
            self.saw("claim for a worker that is gone")
        expected.sort(key=lambda job: (-job.priority, job.id))
        assert [self._told(lease) for lease in claimed] == [self._expected(job) for job in expected]
        for token in {lease.token for lease in claimed}:
            assert token > self.model.last_token, "one token for a claim, and never again"
            self.model.last_token = token
        for job in expected:
            assert isinstance(job.place, Ready)
            job.place = Running(job.place.attempt + 1, job.place.lost, self.model.last_token, worker, self.model.now)
        self.saw("claimed", len(claimed))
        self.claimed += claimed
        return multiple(*claimed)

    def _told(self, lease: ClaimedJob) -> tuple[object, ...]:
        return (
            lease.id, lease.queue_id, lease.priority, lease.max_attempts, lease.batch_id, lease.attempt, lease.lost
        )  # fmt: skip

    def _expected(self, job: Job) -> tuple[object, ...]:
        assert isinstance(job.place, Ready)
        queue = self.queue_id(job.queue)
        attempt, lost = job.place.attempt + 1, job.place.lost
        return (job.id, queue, job.priority, job.max_attempts, job.batch, attempt, lost)
