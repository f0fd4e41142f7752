"""What all rules share: the world, the model, and what steps hand on to later steps.

A feature adds a file of rules: a class that derives from `Base`, and a line in `machine.py`.
"""

from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine
from hypothesis.strategies._internal.featureflags import FeatureFlags

from dibs.domain.job import ClaimedJob
from dibs.storage.session import Operation
from stateful.model import START, Model
from stateful.world import World

T = TypeVar("T")

# What has gone stale is not taken out: most leases in `leases` are, and some jobs and workers.
jobs: Bundle[int] = Bundle("jobs")
leases: Bundle[ClaimedJob] = Bundle("leases")
fresh: Bundle[ClaimedJob] = Bundle("fresh")
"""Leases for which no outcome was told yet, as far as a worker knows."""
workers: Bundle[int] = Bundle("workers")

QUEUES = ("mail", "reports", "thumbnails")
queues = st.sampled_from(QUEUES)
priorities = st.sampled_from([-1, 0, 5])
hours = st.sampled_from([0, 1, 2, 5]).map(lambda n: timedelta(hours=n))


class Base(RuleBasedStateMachine):
    """A history of steps in a world, told to a model."""

    def __init__(self, world: World) -> None:
        super().__init__()
        # Hypothesis would leave out half of the rules in each history, others each time. But a history without claims
        # or without time that passes tells next to nothing, and there are few histories in a short run.
        self._rules_strategy.enabled_rules_strategy = st.just(FeatureFlags())
        self.world = world
        self.engine = world.engine
        self.model = Model()
        self.claimed: list[ClaimedJob] = []
        self._queue_ids: dict[str, int] = {}
        world.begin()

    def run(self, operation: Operation[T]) -> T:
        """Drive an operation of the engine."""
        return self.world.run(operation)

    def saw(self, what: str, times: int = 1) -> None:
        """Note that something has happened that a history must not always lack."""
        self.world.seen[what] += times

    def set_clock(self) -> None:
        """Tell the database what time it is."""
        self.world.move_clock(self.model.now - START)

    def queue_id(self, name: str) -> int:
        """The id of a queue, which is made when it is new."""
        if name not in self._queue_ids:
            self._queue_ids[name] = self.world.wait(self.engine.queue(name))
        return self._queue_ids[name]

    def told(self, lease: ClaimedJob, *, whole_claim: bool, late: bool) -> list[ClaimedJob]:
        """What a worker tells at once: of a lease, or of all that it claimed in one go.

        *late* comes with it all that was ever claimed and is not held any more: nothing of that may change anything.
        """
        claim = [one for one in self.claimed if one.token == lease.token] if whole_claim else [lease]
        stale = [one for one in self.claimed if late and not self.model.held(one.id, one.token)]
        return list({(one.id, one.token): one for one in (*claim, *stale)}.values())
