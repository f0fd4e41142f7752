"""What is run in a comparison: which scenarios with which profiles, at which size for whom."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.peers.catalogue import Peer
from dibs.bench.scenarios.enqueue import Enqueue
from dibs.bench.scenarios.scenario import Scenario
from dibs.bench.scenarios.suite import SUITE

#: The profiles of each scenario. Enqueueing has nothing to do with a worker's settings, so it runs once. Latency and
#: the protocol that libraries publish are asked of the defaults, as those do who publish it.
PROFILES: Final = {
    "enqueue.one.1": ("best",),
    "enqueue.one.10": ("best",),
    "enqueue.many": ("best",),
    "drain.20k": ("default", "best"),
    "drain.20k.two": ("best",),
    "drain.200k": ("best",),
    "protocol": ("default",),
    "drain.50ms": ("best",),
    "drain.failing": ("best",),
    "feed": ("best",),
    "pickup": ("default",),
}

#: No run of a peer is waited for any longer; what was not done by then is counted as not done, and the rate is void.
SECONDS_MAX: Final = 45.0
#: What `--quick` makes of the number of jobs.
QUICK_SHARE: Final = 0.02
_QUICK_JOBS_MIN: Final = 100
_LATENCY: Final = "pickup"


@dataclass(frozen=True, slots=True)
class Round:
    """One scenario with one profile, which all systems do in turn."""

    scenario: Scenario
    profile: str

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.scenario.name} {self.profile}"


def rounds(wanted: Sequence[str] | None) -> Iterator[Round]:
    """The rounds of the scenarios whose names begin as wanted, or all that are run when nothing is."""
    for scenario in SUITE:
        if wanted is None:
            profiles = PROFILES.get(scenario.name, ())
        else:
            profiles = PROFILES.get(scenario.name, ("best",)) if scenario.name.startswith(tuple(wanted)) else ()
        for profile in profiles:
            yield Round(scenario, profile)


def fitted(scenario: Scenario, peer: Peer | None, *, quick: bool) -> Scenario | None:
    """The scenario at the size that fits a peer (None: dibs); nothing when it makes no sense for it."""
    if peer is not None:
        if isinstance(scenario, Enqueue) and scenario.how == "many" and not peer.bulk:
            return None
        if peer.jobs_max is not None and scenario.name.startswith("drain.200k"):
            return None  # the same figure again as of 20,000
        jobs = min(scenario.jobs, peer.jobs_max or scenario.jobs)
        scenario = dataclasses.replace(scenario, jobs=jobs, seconds_max=min(scenario.seconds_max, SECONDS_MAX))
    if quick and scenario.name != _LATENCY:
        jobs = max(round(scenario.jobs * QUICK_SHARE), _QUICK_JOBS_MIN)
        scenario = dataclasses.replace(scenario, jobs=min(jobs, scenario.jobs))
    return scenario
