"""What is run: which scenarios with which profiles, for whom, and at which size."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.peers.catalogue import DIBS_PACE, PEERS, Peer
from dibs.bench.scenarios.drain import Drain
from dibs.bench.scenarios.enqueue import Enqueue
from dibs.bench.scenarios.feed import Feed
from dibs.bench.scenarios.pickup import Pickup
from dibs.bench.scenarios.scenario import Scenario
from dibs.bench.scenarios.suite import SUITE

BOTH: Final = ("default", "best")
BEST: Final = ("best",)

#: The profiles of each scenario. Enqueueing has nothing to do with a worker's settings, so it is run once.
PROFILES: Final = {
    "drain.20k": BOTH,
    "protocol": BOTH,
    "pickup": BOTH,
}
#: What is compared, in this order: first what targets depend on, so that a run that is cut short has that. The other
#: scenarios of the suite are run with dibs alone, by `make bench`, or by their names.
COMPARED: Final = (
    "drain.20k",
    "drain.20k.two",
    "protocol",
    "enqueue.one.10",
    "enqueue.many",
    "feed",
    "pickup",
    "drain.200k",
    "drain.200k.two",
    "enqueue.one.1",
    "enqueue.many.4k",
    "drain.20k.4k",
    "drain.1ms",
    "drain.50ms",
    "drain.failing",
)

#: A drain of 200,000 is for systems that do at least so many a second: of others it would be that of fewer jobs again.
_FAST_ONLY: Final = {"drain.200k": 4_000, "drain.200k.two": 4_000}

PROTOCOL: Final = "protocol"
#: What has as many jobs for everybody who takes part, however long that takes.
_AT_FULL_SIZE: Final = (PROTOCOL, *_FAST_ONLY)
#: How long the executions of one run may take. The same for every system; who is still at it then did not finish.
SECONDS_MAX: Final = 60.0
PROTOCOL_SECONDS_MAX: Final = 120.0
#: Seven seconds at twenty a second. The p99 is the second worst.
_PICKUP_JOBS: Final = 142

_DRAIN_SECONDS: Final = 5.0
_ENQUEUE_SECONDS: Final = 3.0
#: What a slow system's drain may take that only checks what was enqueued.
_CHECK_SECONDS: Final = 5.0
#: What a run takes besides: a fresh database that has come to rest, and the processes, which start and stop.
_AROUND_SECONDS: Final = 12.0

#: What `--quick` makes of the number of jobs.
QUICK_SHARE: Final = 0.02
_QUICK_JOBS_MIN: Final = 100


@dataclass(frozen=True, slots=True)
class Round:
    """One scenario with one profile, which all systems do in turn."""

    scenario: Scenario
    profile: str

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.scenario.name} {self.profile}"


def rounds(wanted: Sequence[str] | None = None) -> Iterator[Round]:
    """Every scenario of the suite with its profiles, or of those whose names begin as wanted."""
    for scenario in SUITE:
        if wanted is None or scenario.name.startswith(tuple(wanted)):
            for profile in PROFILES.get(scenario.name, BEST):
                yield Round(scenario, profile)


def compared(wanted: Sequence[str] | None = None) -> Iterator[Round]:
    """The rounds of a comparison. What is asked for by name need not be among those that are compared otherwise."""
    if wanted is not None:
        chosen = list(rounds(wanted))
    else:
        chosen = [each for name in COMPARED for each in rounds() if each.scenario.name == name]
    for each in chosen:
        yield Round(_limited(each.scenario), each.profile)


def fitted(scenario: Scenario, peer: Peer | None, *, profile: str = "best", quick: bool) -> Scenario:
    """The scenario at the size that fits a peer (None: dibs)."""
    if peer is not None:
        affordable = _affordable(scenario, peer, profile)
        if affordable < scenario.jobs:
            scenario = dataclasses.replace(scenario, jobs=_round(affordable))
    if quick and not isinstance(scenario, Pickup):
        jobs = max(round(scenario.jobs * QUICK_SHARE), _QUICK_JOBS_MIN)
        scenario = dataclasses.replace(scenario, jobs=min(jobs, scenario.jobs))
    return scenario


def why_not(scenario: Scenario, peer: Peer | None, profile: str) -> str | None:
    """Why a scenario makes no sense for a peer (None: dibs); nothing when it does."""
    if peer is None:
        return None
    if isinstance(scenario, Enqueue) and scenario.how == "many" and peer.pace.many is None:
        return "no way to enqueue many at once is documented"
    fast = _FAST_ONLY.get(scenario.name, 0)
    if peer.pace.drain(profile) < fast:
        return f"only for systems that drain {fast:,} jobs/s or more"
    return None


def full_jobs(scenario_name: str) -> int:
    """How many jobs the scenario has in a comparison, for those who are fast enough."""
    return next(each.scenario.jobs for each in compared([scenario_name]) if each.scenario.name == scenario_name)


def seconds_of(scenario: Scenario, peer: Peer | None, profile: str) -> float:
    """About how long a run takes."""
    pace = peer.pace if peer else DIBS_PACE
    draining = min(scenario.jobs / pace.drain(profile), scenario.seconds_max)
    if isinstance(scenario, Pickup):
        return _AROUND_SECONDS + scenario.jobs / scenario.rate
    if isinstance(scenario, Feed):
        return _AROUND_SECONDS + max(draining, scenario.jobs / pace.enqueue)
    is_one_by_one = isinstance(scenario, Enqueue) and scenario.how == "one"
    return _AROUND_SECONDS + scenario.jobs / (pace.enqueue if is_one_by_one else pace.fill) + draining


def planned(wanted: Sequence[str] | None, systems: Sequence[str] | None, *, quick: bool) -> str:
    """All that would be run, in lines, with its jobs and how long it takes."""
    lines, total = [], 0.0
    for each in compared(wanted):
        for peer in (None, *PEERS):
            name = peer.name if peer else "dibs"
            if (systems is None or name in systems) and why_not(each.scenario, peer, each.profile) is None:
                scenario = fitted(each.scenario, peer, profile=each.profile, quick=quick)
                seconds = seconds_of(scenario, peer, each.profile)
                total += seconds
                lines.append(f"{each.name:22} {name:14} {scenario.jobs:8,} jobs {seconds:6.0f} s")
    return "\n".join([*lines, f"{len(lines)} runs, about {total / 60:.0f} minutes"])


def _limited(scenario: Scenario) -> Scenario:
    """With the limits of a comparison, which are the same for all systems."""
    seconds = PROTOCOL_SECONDS_MAX if scenario.name == PROTOCOL else SECONDS_MAX
    jobs = _PICKUP_JOBS if isinstance(scenario, Pickup) else scenario.jobs
    return dataclasses.replace(scenario, jobs=jobs, seconds_max=seconds)


def _affordable(scenario: Scenario, peer: Peer, profile: str) -> float:
    """How many jobs take some seconds."""
    pace, draining = peer.pace, peer.pace.drain(profile)
    if scenario.name in _AT_FULL_SIZE:
        return scenario.jobs
    match scenario:
        case Enqueue(how="one"):
            return min(pace.enqueue * _ENQUEUE_SECONDS, draining * _CHECK_SECONDS)
        case Enqueue():
            return draining * _CHECK_SECONDS
        case Feed():
            return min(pace.enqueue, draining) * _DRAIN_SECONDS
        case Drain():
            return draining * _DRAIN_SECONDS
        case _:
            return scenario.jobs


def _round(jobs: float) -> int:
    """Down to 1, 2 or 5 times a power of ten."""
    power: int = 10 ** (len(str(int(jobs))) - 1)
    return max(factor * power for factor in (1, 2, 5) if factor * power <= jobs)
