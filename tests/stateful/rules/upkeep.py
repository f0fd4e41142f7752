"""What every worker does for all: promote what is due, fold counts, and cancel what slipped through."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from dibs.engine import promote as promoting
from dibs.engine.liveness import tidy
from dibs.engine.promote import Promoted, promote
from stateful.base import Base
from stateful.model import Done, Ready, Running, Scheduled


class Upkeep(Base):
    """Rules that run by themselves."""

    @rule(from_head=st.booleans())
    def promote(self, *, from_head: bool) -> None:
        """As a worker does it, which remembers how far it has promoted, and begins at the head now and then."""
        since = None if from_head else self.model.promoted_until
        due = [
            (place.run_at, job.id, place)
            for job, place in self.model.standing(Scheduled)
            if place.run_at <= self.model.now and (since is None or place.run_at >= since)
        ]
        moved = sorted(due, key=lambda one: one[:2])[: promoting.PROMOTE_ROWS]
        for _, id_, place in moved:
            self.model.jobs[id_].place = Ready(place.attempt, place.lost)
        self.saw("promoted", len(moved))
        waits = [place.run_at - self.model.now for _, place in self.model.standing(Scheduled)]
        next_due = min((wait.total_seconds() for wait in waits if wait.total_seconds() > 0), default=None)
        until = self.model.now if len(moved) < promoting.PROMOTE_ROWS else moved[-1][0]
        assert self.run(promote(since)) == Promoted(len(moved), next_due, until)
        self.model.promoted_until = until

    @rule()
    def tidy(self) -> None:
        """A wish outlives the lease when the job is handed back without an outcome; it is granted here."""
        for id_ in sorted(self.model.wishes):
            job = self.model.jobs[id_]
            if isinstance(job.place, Ready | Scheduled):
                self.model.end_waiting(job)
                self.saw("cancelled late")
            if isinstance(job.place, Done):
                self.model.wishes.discard(id_)
            else:
                assert isinstance(job.place, Running)
        self.run(tidy())
