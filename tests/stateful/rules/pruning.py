"""Prune: apps say how long they want jobs to be kept, one takes the turn, and old endings go piece by piece."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import inf

from hypothesis import strategies as st
from hypothesis.stateful import rule

from dibs.domain.retention import Retention
from dibs.engine.prune import Cutoffs, Walk, cutoffs, prunable, prune, take_turn
from stateful.base import Base, hours, workers
from stateful.model import Done, Job, Turn

TURN = timedelta(hours=2)
FORGOTTEN = timedelta(days=1)
A_PERSON = -7
holders = workers | st.just(A_PERSON)
days = st.none() | st.sampled_from([0.5, 1, 40]).map(lambda n: timedelta(days=n))
retentions = st.builds(Retention, finished=days, dead_letters=days)


class Pruning(Base):
    """Rules that remove jobs."""

    @rule(holder=holders, wish=st.none() | retentions, older_than=st.none() | hours)
    def take_turn_and_prune(self, holder: int, wish: Retention | None, older_than: timedelta | None) -> None:
        self._take_turn(holder, wish)
        self.prune(holder, older_than)

    def _take_turn(self, holder: int, wish: Retention | None) -> None:
        """People come before workers."""
        if wish is not None:
            kept = tuple(inf if seconds is None else seconds for seconds in (wish.finished, wish.dead_letters))
            self._wish(kept)
        turn, is_person = self.model.turn, holder == A_PERSON
        over = turn.until is None or turn.until < self.model.now
        has_turn = turn.holder == holder or (is_person and turn.holder > 0) or over
        if has_turn:
            self._keep_turn(holder)
        asked = take_turn(holder, TURN.total_seconds(), wish, before_workers=is_person)
        assert self.run(asked) == has_turn

    @rule(holder=holders, older_than=st.none() | hours)
    def prune(self, holder: int, older_than: timedelta | None) -> None:
        """All that may go, as a person says it or by what apps have asked for; nothing without the turn."""
        until = self.run(cutoffs(older_than))
        assert until == self._cutoffs(older_than)
        finished, dead_letters = self._old(until.finished, "sc"), self._old(until.dead_letters, "f")
        assert self.run(prunable(until)) == (len(finished), len(dead_letters))
        has_turn = self.model.turn.holder == holder
        for walk in until.walks:
            going = (dead_letters if walk.dead_letters else finished) if has_turn else []
            walked = self._walk(holder, walk)
            expected = (has_turn, len(going), self._forget(going))
            assert walked == expected, "what was pruned is not what was old enough"
            if has_turn:
                self._keep_turn(holder)

    def _wish(self, kept: tuple[float, ...]) -> None:
        finished, dead_letters = kept
        late = self.model.now - FORGOTTEN
        self.model.kept = {one: at for one, at in self.model.kept.items() if at >= late}
        self.model.kept[finished, dead_letters] = self.model.now

    def _keep_turn(self, holder: int) -> None:
        self.model.turn = Turn(holder, self.model.now + TURN)

    def _cutoffs(self, older_than: timedelta | None) -> Cutoffs:
        kept = self.model.retention if older_than is None else (older_than.total_seconds(),) * 2
        return Cutoffs(*(None if one == inf else self.model.now - timedelta(seconds=one) for one in kept))

    def _old(self, before: datetime | None, outcomes: str) -> list[Job]:
        return [
            job
            for job, place in self.model.standing(Done)
            if place.outcome in outcomes and before is not None and place.finished_at < before
        ]

    def _forget(self, going: list[Job]) -> int:
        """Forget jobs, and batches of which no job is left; gives how many of those there were."""
        for job in going:
            del self.model.jobs[job.id]
            self.model.wishes.discard(job.id)
            if job.batch is not None and isinstance(job.place, Done):
                self.model.batches[job.batch].pruned[job.place.outcome] += 1
        left = {job.batch for job in self.model.jobs.values()}
        empty = [id_ for id_ in self.model.batches if id_ not in left]
        for id_ in empty:
            del self.model.batches[id_]
        self.saw("pruned", len(going))
        self.saw("batches pruned", len(empty))
        return len(empty)

    def _walk(self, holder: int, walk: Walk) -> tuple[bool, int, int]:
        """Go to the end; gives whether the holder had the turn, and how many jobs and batches were pruned."""
        pruned = batches = 0
        for _ in range(len(self.model.jobs) + 1):
            piece = self.run(prune(holder, walk, TURN.total_seconds()))
            pruned += piece.pruned
            batches += piece.batches
            if piece.is_last:
                return piece.has_turn, pruned, batches
            assert piece.last_id is not None
            walk = replace(walk, behind_id=piece.last_id)
        raise AssertionError("a walk has no end")
