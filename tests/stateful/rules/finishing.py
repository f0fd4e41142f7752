"""End attempts with every verdict: with the lease, with one that has passed on, and again."""

from datetime import timedelta
from itertools import cycle

from hypothesis import strategies as st
from hypothesis.stateful import consumes, rule

from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import Ended, Outcome, Verdict
from dibs.engine.claim import finish
from dibs.engine.progress import ProgressReport, report_progress
from stateful.base import Base, fresh, hours, leases
from support.engine import FAILURE

_REASONS = {
    Verdict.RETRY: "retry",
    Verdict.SNOOZE: "snooze",
    Verdict.DEFER: "unknown task",
    Verdict.HAND_BACK: "suspect",
}
"""Verdicts that lead back, and what the schedule says of them."""

outcomes = st.builds(
    Outcome,
    verdict=st.sampled_from(Verdict),
    delay_seconds=hours.map(timedelta.total_seconds),
    failure=st.none() | st.just(FAILURE),
)


class Finishing(Base):
    """Rules that present leases."""

    @rule(
        lease=consumes(fresh),
        whole_claim=st.booleans(),
        late=st.booleans(),
        ends=st.lists(outcomes, min_size=1, max_size=4),
    )
    def finish(self, lease: ClaimedJob, *, whole_claim: bool, late: bool, ends: list[Outcome]) -> None:
        told = self.told(lease, whole_claim=whole_claim, late=late)
        self._finish([Ended(one.id, one.token, end) for one, end in zip(told, cycle(ends), strict=False)])

    # Without outcomes little happens.
    finish_again = finish

    @rule(lease=leases, first=outcomes, second=outcomes)
    def finish_twice(self, lease: ClaimedJob, first: Outcome, second: Outcome) -> None:
        for outcome in (first, second):
            self._finish([Ended(lease.id, lease.token, outcome)])

    @rule(lease=leases, outcome=outcomes)
    def finish_in_vain(self, lease: ClaimedJob, outcome: Outcome) -> None:
        """The transaction that the outcome was part of is rolled back: so is the outcome, and the lease is held."""
        held = self.model.held(lease.id, lease.token)
        with self.world.undone():
            refused = self.run(finish([Ended(lease.id, lease.token, outcome)]))
        assert refused == ([] if held else [lease.id]), "outcomes without their lease, and none else, are refused"

    @rule(lease=leases, late=st.booleans(), completed=st.integers(0, 9), total=st.none() | st.just(9))
    def report_progress(self, lease: ClaimedJob, *, late: bool, completed: int, total: int | None) -> None:
        told = self.told(lease, whole_claim=False, late=late)
        self.run(report_progress([ProgressReport(one.id, one.token, completed, total, None) for one in told]))
        for one in told:
            if held := self.model.held(one.id, one.token):
                held[0].progress = (completed, total)

    def _finish(self, told: list[Ended]) -> None:
        expected = sorted(one.job_id for one in told if not self._accepts(one))
        refused = self.run(finish(told))
        assert sorted(refused) == expected, "outcomes without their lease, and none else, are refused"

    def _accepts(self, told: Ended) -> bool:
        held = self.model.held(told.job_id, told.token)
        if held is None:
            self.saw("outcome refused")
            return False
        job, lease = held
        job.errors += told.outcome.failure is not None
        verdict = told.outcome.verdict
        if verdict in _REASONS and job.id in self.model.wishes:
            verdict = Verdict.CANCEL
            self.saw("cancelled in place of going back")
        self.saw(f"outcome accepted: {verdict.name.lower()}")
        if verdict not in _REASONS:
            self.model.end(job, verdict.value, lease)
            return True
        attempt = lease.attempt if verdict is Verdict.RETRY else lease.attempt - 1
        lost = lease.lost if verdict is Verdict.HAND_BACK else 0
        delay = timedelta(seconds=told.outcome.delay_seconds)
        self.model.put_back(job, attempt, lost, delay, _REASONS[verdict])
        return True
