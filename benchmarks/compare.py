"""`make bench-peers`: dibs and its peers in one run, on servers that it starts and stops.

    python -m benchmarks.compare                                     everything, an hour and a half on two cores
    python -m benchmarks.compare --plan                              what that would be, without running it
    python -m benchmarks.compare --quick                             the same in small, to see that it runs
    python -m benchmarks.compare --systems dibs pgqueuer --scenarios drain.20k feed

All systems do a scenario in turn before the next one begins, so that what else happens on the machine hits all alike.
What was disturbed each time is measured again at the end; then what decides a target and comes close to its bound is,
twice, and the middle figure counts.
What is measured is written down at once, in .bench/results: a run that is stopped keeps what it has there. A complete
one is written to benchmarks/results when it is.
"""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.alone import alone
from benchmarks.peers.catalogue import LEFT_OUT, PEERS, Peer
from benchmarks.peers.circumstances import environment_of
from benchmarks.peers.entry import Cell, cell_of, entry_of, failed
from benchmarks.peers.environment import python_of
from benchmarks.peers.plan import Round, compared, fitted, planned, why_not
from benchmarks.peers.redis_place import EmptyRedis
from benchmarks.peers.table import figure, table
from benchmarks.report import results as kept
from benchmarks.report.machine import machine, versions
from benchmarks.report.targets import close_calls
from benchmarks.servers import Server, ServerMissingError, postgres, redis
from benchmarks.stopping import until_told_to_end
from benchmarks.takes import TAKES_MAX, Entry, medians, undisturbed
from dibs.bench.driver import System
from dibs.bench.places import FreshDatabase
from dibs.bench.run import run
from dibs.bench.systems.own import DIBS

PARTIAL: Final = Path(__file__).parents[1] / ".bench" / "results"
"""Where results of runs lie that are not complete, or not yet."""

MORE_LOOKS: Final = 2
"""How often what is close to a bound is measured again."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; gives the exit code, 1 when a run failed or did not count up."""
    options = _options(arguments)
    if options.plan:
        print(planned(options.scenarios, options.systems, quick=options.quick))  # noqa: T201
        return 0
    now = datetime.now(UTC)
    with until_told_to_end(), alone(), ExitStack() as servers:
        comparison = Comparison(servers, options.systems, quick=options.quick)
        asyncio.run(comparison.compare(list(compared(options.scenarios))))
    is_whole = not (options.quick or options.systems or options.scenarios) and comparison.has_everybody
    path = kept.FOLDER / f"{now.date()}-peers.json" if is_whole else PARTIAL / f"{now:%Y-%m-%d-%H%M%S}-peers.json"
    kept.write(path, comparison.results)
    print(table(comparison.results))  # noqa: T201
    print(f"\n{path}")  # noqa: T201
    return 1 if any(entry["wrong"] for entry in comparison.results["runs"]) else 0


@dataclass(frozen=True, slots=True)
class Entrant:
    """A system that takes part, with the server it runs on."""

    system: System
    peer: Peer | None
    """Nothing for dibs."""
    place: FreshDatabase | EmptyRedis

    def place_for(self, profile: str) -> FreshDatabase | EmptyRedis:
        """Its server, with what its processes find around them."""
        brings_uvloop = self.peer is not None and self.peer.brings_uvloop
        return replace(self.place, environment=environment_of(self.system, profile, brings_uvloop=brings_uvloop))


class Comparison:
    """The systems, the servers they need, and what they did."""

    def __init__(self, servers: ExitStack, wanted: Sequence[str] | None, *, quick: bool) -> None:
        names = [DIBS.name, *(peer.name for peer in PEERS)]
        if unknown := set(wanted or ()) - set(names):
            raise SystemExit(f"no such system: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
        self._quick = quick
        self._entries: list[Entry] = []
        database = servers.enter_context(postgres())
        places: dict[str, FreshDatabase | EmptyRedis] = {"postgres": FreshDatabase(database.dsn, database.pid)}
        left_out = dict(LEFT_OUT)
        peers = [peer for peer in PEERS if wanted is None or peer.name in wanted]
        described = {"postgres": database}
        if any(peer.server == "redis" for peer in peers):
            try:
                described["redis"] = servers.enter_context(redis())
                places["redis"] = EmptyRedis(described["redis"])
            except ServerMissingError as missing:
                print(f"{missing}\nthe peers on Redis are left out", file=sys.stderr)  # noqa: T201
                left_out |= {peer.name: str(missing) for peer in peers if peer.server == "redis"}
        self._entrants = [Entrant(DIBS, None, places["postgres"])] if wanted is None or DIBS.name in wanted else []
        for peer in peers:
            if peer.server in places:
                system = System(name=peer.name, adapter=peer.adapter, python=python_of(peer))
                self._entrants.append(Entrant(system, peer, places[peer.server]))
        self.results: dict[str, Any] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": quick,
            "machine": machine(),
            "versions": versions(database.version) | _peer_versions(peers),
            "servers": {name: _described(server) for name, server in described.items()},
            "left_out": left_out,
            "not_run": [],
            "runs": [],
        }

    @property
    def has_everybody(self) -> bool:
        """Whether dibs and all its peers take part."""
        return len(self._entrants) == 1 + len(PEERS)

    async def compare(self, rounds: Sequence[Round]) -> None:
        """Do the rounds, and again what they leave open; each run is written down as soon as it is done."""
        for number, each in enumerate(rounds):
            # Nobody is always the first after a pause, nor always behind the same neighbour.
            turn = number % len(self._entrants)
            for entrant in self._entrants[turn:] + self._entrants[:turn]:
                await self._take_part(entrant, each)
        if self._quick:  # its figures mean little anyhow
            return
        await self._again(rounds, {cell_of(entry) for entry in self.results["runs"] if entry.get("disturbed")})
        close = close_calls(self.results)
        for _ in range(MORE_LOOKS):
            await self._again(rounds, close)

    async def _again(self, rounds: Sequence[Round], cells: Collection[Cell]) -> None:
        for each in rounds:
            for entrant in self._entrants:
                if (entrant.system.name, each.scenario.name, each.profile) in cells:
                    await self._take_part(entrant, each)

    async def _take_part(self, entrant: Entrant, each: Round) -> None:
        if why := why_not(each.scenario, entrant.peer, each.profile):
            names = {"system": entrant.system.name, "scenario": each.scenario.name, "profile": each.profile}
            self.results["not_run"].append(names | {"why": why})
            return
        scenario = fitted(each.scenario, entrant.peer, profile=each.profile, quick=self._quick)
        began = time.monotonic()
        turn = Round(scenario, each.profile)
        entry = await undisturbed(lambda: _run(entrant, turn), 1 if self._quick else TAKES_MAX)
        self._entries.append(entry)
        self.results["runs"] = medians(self._entries, cell_of)
        kept.write(PARTIAL / "running-peers.json", self.results)
        said = entry["wrong"] or figure(entry)
        took = time.monotonic() - began
        print(f"{each.name:24} {entrant.system.name:14} {said} ({took:.0f} s)", flush=True)  # noqa: T201


async def _run(entrant: Entrant, turn: Round) -> Entry:
    system, scenario, profile = entrant.system, turn.scenario, turn.profile
    try:
        return entry_of(await run(system, scenario, profile=profile, place=entrant.place_for(profile)))
    except Exception as error:  # noqa: BLE001 - one system's trouble must not end the others' comparison
        return failed(system.name, scenario.name, profile, f"it failed: {error!r}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="only these (dibs is one)")
    parser.add_argument("--scenarios", nargs="+", metavar="NAME", help="only those whose names begin so")
    parser.add_argument(
        "--plan", action="store_true", help="list what would be run, with jobs and time, and run nothing"
    )
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the jobs; figures mean little then")
    return parser.parse_args(arguments)


def _described(server: Server) -> Mapping[str, Any]:
    return {"version": server.version, "settings": dict(server.settings), "transport": "Unix socket"}


def _peer_versions(peers: Sequence[Peer]) -> dict[str, str]:
    """Of each peer's pinned packages."""
    pinned = re.compile(r"^([\w.\[\]-]+)==([\w.]+)", re.MULTILINE)
    return {
        peer.name: ", ".join(f"{name} {version}" for name, version in pinned.findall(peer.requirements.read_text()))
        for peer in peers
    }


if __name__ == "__main__":
    sys.exit(main())
