"""The machine: random histories of everything the engine can do, on the real statements, beside a model.

After each step the laws hold (`laws.py`). A feature adds its rules as a class of its own in `rules/`; if its jobs can
be in a place of a new kind, it adds that to `model.py` and `tables.py`, and tells `draining.py` how they get out of it.
"""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from stateful.laws import Laws
from stateful.rules.claiming import Claiming
from stateful.rules.enqueueing import Enqueueing
from stateful.rules.finishing import Finishing
from stateful.rules.living import Living
from stateful.rules.pruning import Pruning
from stateful.rules.rescuing import Rescuing
from stateful.rules.steering import Steering
from stateful.rules.upkeep import Upkeep
from stateful.world import World

HISTORIES = int(os.environ.get("DIBS_STATEFUL_HISTORIES", "0"))
"""For a long run: so many, other ones each time."""

_ANY = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    stateful_step_count=40,
    # To explain a failure, hypothesis would trace every line from the first history on.
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
SHORT = settings(_ANY, max_examples=15, database=None)
LONG = settings(_ANY, max_examples=max(HISTORIES, 1))
UNTIL_FAILURE = settings(SHORT, max_examples=200, phases=[Phase.generate], report_multiple_bugs=False)


class EngineMachine(Enqueueing, Claiming, Finishing, Living, Rescuing, Steering, Upkeep, Pruning, Laws):
    """Everything at once."""


def run_histories(world: World, how: settings, seeded: int | None = None) -> None:
    """Try histories until one breaks a law; then tell the shortest that does. With a seed, always the same ones."""

    def begin() -> EngineMachine:
        return EngineMachine(world)

    factory: Any = begin if seeded is None else seed(seeded)(begin)
    run_state_machine_as_test(factory, settings=how)
