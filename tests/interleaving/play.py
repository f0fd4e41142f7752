"""One schedule: actors take their steps one at a time, as a chooser says."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import asyncpg

from interleaving.stepped import Moves, SteppedConnection
from support.engine import Engine

Program = Callable[[Engine], Awaitable[str]]
"""What an actor does on its connection, and what came of it, in words."""
Choose = Callable[[Moves], int]

_BLOCKED = "select pid, pg_blocking_pids(pid) from unnest($1::integer[]) as pid"


@dataclass
class Played:
    """What one schedule showed."""

    steps: list[str] = field(default_factory=list)
    waits: set[tuple[str, str]] = field(default_factory=set)
    """Who was seen to wait for whom."""
    said: dict[str, str] = field(default_factory=dict)
    """What came of each actor's work."""
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """The steps, in their order."""
        return " > ".join(self.steps)


class Cast:
    """The actors, each on its connection, and somebody who watches the locks."""

    def __init__(self, connections: Mapping[str, SteppedConnection], watcher: asyncpg.Connection) -> None:
        self._actors = connections
        self._watcher = watcher
        self._by_pid = {one.get_server_pid(): name for name, one in connections.items()}

    async def play(self, programs: Mapping[str, Program], choose: Choose, may_roll_back: frozenset[str]) -> Played:
        """Run the programs side by side, one step at a time, until all have ended."""
        played = Played()
        for name, one in self._actors.items():
            one.begin(may_roll_back=name in may_roll_back)
        tasks = [asyncio.ensure_future(self._act(name, program, played)) for name, program in programs.items()]
        try:
            while not all(task.done() for task in tasks):
                waiting = await self._settled()
                played.waits |= {(name, holder) for name, holders in waiting.items() for holder in holders}
                moves = [
                    (name, move) for name, one in self._actors.items() if name not in waiting for move in one.moves
                ]
                if moves:
                    name, move = moves[choose(moves)]
                    played.steps.append(f"{name}: {move}")
                    self._actors[name].go(move)
                # Without moves, all have ended, or wait in a circle: then the server breaks it with an error.
                await asyncio.sleep(0)
        finally:
            for task in tasks:
                task.cancel()
        return played

    async def _act(self, name: str, program: Program, played: Played) -> None:
        connection = self._actors[name]
        try:
            said = await program(Engine(connection))
            played.said[name] = "was rolled back" if connection.lost_its_transaction else said
        except (asyncpg.PostgresError, AssertionError) as error:
            played.errors.append(f"{name}: {type(error).__name__}: {error}")
        finally:
            connection.end()

    async def _settled(self) -> dict[str, list[str]]:
        """Return once each actor stands before a step, has ended, or waits for a lock; tells who waits for whom."""
        while True:
            under_way = [pid for pid, name in self._by_pid.items() if not self._actors[name].arrived.is_set()]
            if not under_way:
                return {}
            found = await self._watcher.fetch(_BLOCKED, under_way)
            waiting = {
                self._by_pid[pid]: [self._by_pid[holder] for holder in holders if holder in self._by_pid]
                for pid, holders in found
            }
            if all(waiting.values()):
                return waiting
