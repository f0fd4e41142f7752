"""What holds after each step, whatever the step was."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from hypothesis.stateful import invariant, precondition

from dibs.engine.batch import batch_progress
from stateful import tables
from stateful.base import Base
from stateful.draining import drain
from stateful.world import World
from support.conservation import assert_conserved

IS_LONG = "DIBS_STATEFUL_HISTORIES" in os.environ


class Laws(Base):
    """The laws: those that need no model, and that the tables say what the model says."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._raised_before = sys.exception()
        self._steps = 0

    @property
    def looks_closely(self) -> bool:
        """What costs more than all else, a short run asks now and then."""
        return IS_LONG or self._steps % 5 == 0

    @invariant()
    def each_job_is_in_one_place(self) -> None:
        self.world.wait(assert_conserved(self.engine.connection))
        self._steps += 1

    @invariant()
    def everything_is_where_the_model_says(self) -> None:
        """So nothing is changed by an outcome that is refused, and nothing is counted but once."""
        jobs, workers = self.model.jobs.items(), self.model.workers.items()
        found = self.world.wait(tables.read(self.engine.connection))
        _compare("places", found.places, {id_: job.place for id_, job in jobs})
        _compare("errors", found.errors, {id_: job.errors for id_, job in jobs if job.errors})
        _compare("reports", found.progress, {id_: job.progress for id_, job in jobs if job.progress})
        _compare("workers", found.workers, {id_: (one.heartbeat_at, one.locked, one.asleep) for id_, one in workers})
        assert not found.contradictions, f"places that say something else than the job: {found.contradictions}"
        assert found.wishes == self.model.wishes
        assert found.turn == (self.model.turn.holder, self.model.turn.until)

    @precondition(lambda self: self.looks_closely)
    @invariant()
    def batches_count_the_truth(self) -> None:
        for id_, batch in self.model.batches.items():
            found = self.run(batch_progress(id_))
            assert found is not None
            counted = self.model.counts(id_)
            truth = (batch.total, counted["s"], counted["f"], counted["c"], counted["running"])
            assert (found.total, found.succeeded, found.failed, found.cancelled, found.running) == truth, (
                f"batch {id_} does not count the truth"
            )

    @precondition(lambda self: self.looks_closely)
    @invariant()
    def nothing_is_stranded(self) -> None:
        """However things stand, a healthy worker that came now would bring every job to its end."""
        with self.world.undone():
            self._drain()

    def teardown(self) -> None:
        """Bring the history to its end, unless it has failed: then the first failure is the one to tell."""
        try:
            if sys.exception() is self._raised_before:
                self._drain()
                self.saw("drained")
        finally:
            self.world.end()

    def _drain(self) -> None:
        self.world.wait(drain(self.engine, self.model.jobs, self.model.now))


def _compare(what: str, found: Mapping[int, Any], expected: Mapping[int, Any]) -> None:
    """Tell only what differs: by id, what was found, and what the model says."""
    ids = sorted({*found, *expected})
    differences = {id_: (found.get(id_), expected.get(id_)) for id_ in ids if found.get(id_) != expected.get(id_)}
    assert not differences, f"{what} are not what the model says: {differences}"
