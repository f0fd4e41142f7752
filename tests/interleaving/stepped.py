"""An actor's connection: each statement on it, and the end of each transaction, waits for its turn."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

_NAME = re.compile(r"/\* dibs (\S+) \*/")


class SteppedConnection(asyncpg.Connection):
    """Stops before each step until it is told to go on, and says when it has stopped.

    BEGIN is no step: at read committed it takes no snapshot and no lock, so it does not matter when it comes.
    """

    arrived: asyncio.Event
    """Set while the actor stands before a step, and when it has ended."""
    moves: tuple[str, ...] = ()
    """What the next step may be: a statement, or how the transaction ends. Empty: the actor is not before a step."""
    may_roll_back = False
    """Whether a transaction may end otherwise than it was meant to: as if the connection had broken at its commit."""
    lost_its_transaction = False
    spoilt: Mapping[str, str]
    """Texts that are sent in place of the statements of these names."""

    def begin(self, *, may_roll_back: bool) -> None:
        """A program begins; soon it stands before its first step."""
        self.may_roll_back, self.lost_its_transaction = may_roll_back, False
        self.arrived.clear()

    def go(self, move: str) -> None:
        """Take the next step, which is one of `moves`."""
        self.moves = ()
        self.arrived.clear()
        self._chosen.set_result(move)

    def end(self) -> None:
        """The program has ended."""
        self.arrived.set()

    async def fetch(self, query: str, *args: Any, **kwargs: Any) -> Any:
        """A statement of dibs."""
        name = name_of(query)
        await self._turn(name)
        return await super().fetch(self.spoilt.get(name, query), *args, **kwargs)

    async def execute(self, query: str, *args: Any, **kwargs: Any) -> str:
        """What a transaction begins and ends with, and what a task writes."""
        word = query.split(maxsplit=1)[0].rstrip(";").lower()
        if word == "begin":
            return await super().execute(query)
        if word == "commit" and self.may_roll_back:
            end = await self._turn("commit", "rollback")
            self.lost_its_transaction |= end == "rollback"
            return await super().execute(end)
        await self._turn(word)
        return await super().execute(query, *args, **kwargs)

    async def _turn(self, *moves: str) -> str:
        self.moves = moves
        self._chosen: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.arrived.set()
        return await self._chosen


def name_of(query: str) -> str:
    """The name of a statement of dibs, or the word that another one begins with."""
    found = _NAME.match(query)
    return found[1] if found else query.split(maxsplit=1)[0]


async def stepped(dsn: str, settings: dict[str, str], spoilt: Mapping[str, str]) -> SteppedConnection:
    """Open one."""
    connection: Any = await asyncpg.connect(dsn, server_settings=settings, connection_class=SteppedConnection)
    connection.arrived = asyncio.Event()
    connection.spoilt = spoilt
    assert isinstance(connection, SteppedConnection)
    return connection


Moves = Sequence[tuple[str, str]]
"""What may happen next: which actor, and what it does."""
