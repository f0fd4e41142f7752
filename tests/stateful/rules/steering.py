"""People cancel jobs, and retry those that have ended or wait."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from dibs.engine.cancel import cancel, retry
from stateful.base import Base, jobs
from stateful.model import Done, Job, Ready, Running, Scheduled


class Steering(Base):
    """Rules that people set off."""

    @rule(job=jobs, others=st.lists(jobs, max_size=2))
    def cancel(self, job: int, others: list[int]) -> None:
        ended, requested = set(), set()
        for known in self._known(job, *others):
            if isinstance(known.place, Ready | Scheduled):
                self.model.end_waiting(known)
                ended.add(known.id)
            elif isinstance(known.place, Running):
                self.model.wishes.add(known.id)
                requested.add(known.id)
        self.saw("cancelled while it waited", len(ended))
        self.saw("asked to stop", len(requested))
        result = self.run(cancel([job, *others]))
        assert ({*result.ended}, {*result.requested}) == (ended, requested)

    @rule(job=jobs, others=st.lists(jobs, max_size=2))
    def retry(self, job: int, others: list[int]) -> None:
        in_line = set()
        for known in self._known(job, *others):
            place = known.place
            if isinstance(place, Scheduled) or (isinstance(place, Done) and place.outcome != "s"):
                self.saw(f"retried: {type(place).__name__.lower()}")
                known.place = Ready(place.attempt, 0)
                in_line.add(known.id)
        self.model.wishes -= in_line
        assert {*self.run(retry([job, *others]))} == in_line

    def _known(self, *ids: int) -> list[Job]:
        return [self.model.jobs[id_] for id_ in {*ids} if id_ in self.model.jobs]
