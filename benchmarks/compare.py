"""`make bench-peers`: dibs and its peers in one run, on servers that it starts and stops.

    python -m benchmarks.compare                                     everything, about half an hour on two cores
    python -m benchmarks.compare --quick                             the same in small, to see that it runs
    python -m benchmarks.compare --systems dibs pgqueuer --scenarios drain.20k feed

All systems do a scenario in turn before the next one begins, so that what else happens on the machine hits all alike.
What is measured is written down at once: a run that is stopped keeps what it has.
"""

import argparse
import asyncio
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.peers.catalogue import LEFT_OUT, PEERS, Peer
from benchmarks.peers.environment import python_of
from benchmarks.peers.plan import Round, fitted, rounds
from benchmarks.peers.redis_place import EmptyRedis
from benchmarks.peers.table import figure, table
from benchmarks.report.machine import machine, versions
from benchmarks.servers import Server, ServerMissingError, postgres, redis
from dibs.bench.driver import System
from dibs.bench.places import FreshDatabase, Place
from dibs.bench.run import run
from dibs.bench.systems.own import DIBS

_HERE: Final = Path(__file__).parent
#: A complete run is worth keeping with the code; any other one is not.
COMPLETE: Final = _HERE / "results"
PARTIAL: Final = _HERE.parent / ".bench" / "results"

_TERMINATED: Final = 128 + signal.SIGTERM
_RUN_SECONDS_MAX: Final = 300.0
"""Enqueueing, draining and stopping together; a system that hangs is given up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; gives the exit code, 1 when a run failed or did not count up."""
    options = _options(arguments)
    is_complete = not (options.quick or options.systems or options.scenarios)
    now = datetime.now(UTC)
    # Told to end, it stops its servers as it does at Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    with ExitStack() as servers:
        comparison = Comparison(servers, options.systems, quick=options.quick)
        name = f"{now.date()}-peers.json" if is_complete else f"{now:%Y-%m-%d-%H%M%S}-peers.json"
        path = (COMPLETE if is_complete else PARTIAL) / name
        asyncio.run(comparison.compare(list(rounds(options.scenarios)), path))
    print(table(comparison.results))  # noqa: T201
    print(f"\n{path}")  # noqa: T201
    return 1 if any(entry["wrong"] for entry in comparison.results["runs"]) else 0


class Comparison:
    """The systems, the servers they need, and what they did."""

    def __init__(self, servers: ExitStack, wanted: Sequence[str] | None, *, quick: bool) -> None:
        names = [DIBS.name, *(peer.name for peer in PEERS)]
        if unknown := set(wanted or ()) - set(names):
            raise SystemExit(f"no such system: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
        self._quick = quick
        database = servers.enter_context(postgres())
        self._places: dict[str, Place] = {"postgres": FreshDatabase(database.dsn, database.pid)}
        left_out = dict(LEFT_OUT)
        peers = [peer for peer in PEERS if wanted is None or peer.name in wanted]
        described = {"postgres": database}
        if any(peer.server == "redis" for peer in peers):
            try:
                described["redis"] = servers.enter_context(redis())
                self._places["redis"] = EmptyRedis(described["redis"])
            except ServerMissingError as missing:
                print(f"{missing}\nthe peers on Redis are left out", file=sys.stderr)  # noqa: T201
                left_out |= {peer.name: str(missing) for peer in peers if peer.server == "redis"}
        self._systems: list[tuple[System, Peer | None]] = []
        if wanted is None or DIBS.name in wanted:
            self._systems.append((DIBS, None))
        for peer in peers:
            if peer.server in self._places:
                self._systems.append((System(name=peer.name, adapter=peer.adapter, python=python_of(peer)), peer))
        self.results: dict[str, Any] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": quick,
            "machine": machine(),
            "versions": versions(database.version) | _peer_versions(peers),
            "servers": {name: _described(server) for name, server in described.items()},
            "left_out": left_out,
            "runs": [],
        }

    async def compare(self, planned: Sequence[Round], path: Path) -> None:
        """Do the rounds; each run is written to *path* as soon as it is done."""
        from benchmarks.report.results import write

        for number, each in enumerate(planned):
            # Nobody is always the first after a pause, nor always behind the same neighbour.
            turn = number % len(self._systems)
            for system, peer in self._systems[turn:] + self._systems[:turn]:
                scenario = fitted(each.scenario, peer, quick=self._quick)
                if scenario is None:
                    continue
                began = time.monotonic()
                entry = await self._run(system, peer, Round(scenario, each.profile))
                self.results["runs"].append(entry)
                write(path, self.results)
                said = entry["wrong"] or figure(entry)
                print(f"{each.name:24} {system.name:14} {said} ({time.monotonic() - began:.0f} s)", flush=True)  # noqa: T201

    async def _run(self, system: System, peer: Peer | None, turn: Round) -> dict[str, Any]:
        place = self._places[peer.server if peer else "postgres"]
        try:
            async with asyncio.timeout(_RUN_SECONDS_MAX):
                result = await run(system, turn.scenario, profile=turn.profile, place=place)
            return result.as_json()
        except Exception as error:  # noqa: BLE001 - one system's trouble must not end the others' comparison
            return {
                "system": system.name,
                "profile": turn.profile,
                "scenario": turn.scenario.name,
                "rate": None,
                "wrong": f"it failed: {error!r}",
            }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="only these (dibs is one)")
    parser.add_argument("--scenarios", nargs="+", metavar="NAME", help="only those whose names begin so")
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
