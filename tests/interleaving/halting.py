"""Brings statements to a halt half-way through the rows that they want, and lets two of them go at once."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

import asyncpg

from interleaving.crowd import KEYS, NEW_QUEUES, ROWS, Rows, sent_by_applications, sent_by_workers

_ALL_WAIT = "select bool_and(cardinality(pg_blocking_pids(pid)) > 0) from unnest($1::integer[]) as pid"


@dataclass
class Met:
    """What happened when statements met."""

    waited: bool
    """Some of them came to a halt at the row that was held."""
    deadlocks: list[str]


class Side:
    """One of the two that meet: it sends what workers send, and what applications send."""

    def __init__(
        self, of_worker: asyncpg.Connection, of_application: asyncpg.Connection, rows: Rows, step: int
    ) -> None:
        self.spoilt: Mapping[str, str] = {}
        self.sends = [
            *((of_worker, query) for query in sent_by_workers(rows, step)),
            *product((of_worker, of_application), sent_by_applications(rows, step)),
        ]

    def name(self, nth: int) -> str:
        """How a statement is called."""
        return self.sends[nth][1].statement.name

    def pid(self, nth: int) -> int:
        """The server process that runs it."""
        return self.sends[nth][0].get_server_pid()

    async def run(self, nth: int) -> None:
        """Send a statement, and take it back."""
        connection, query = self.sends[nth]
        transaction = connection.transaction()
        await transaction.start()
        try:
            name = query.statement.name
            await connection.fetch(self.spoilt.get(name, query.statement.text("dibs")), *query.params)
        finally:
            await transaction.rollback()


class Holder:
    """Holds rows, and sees who comes to a halt there."""

    def __init__(self, connection: asyncpg.Connection, rows: Rows) -> None:
        self._connection = connection
        self.rows = rows

    async def middles(self) -> dict[str, str]:
        """For each table, the statement that holds its middle row; of workers, the one that is there."""
        holds = {
            "worker": f"select from dibs.worker where id = {self.rows.worker} for update;",
            # whoever makes a queue of the same name waits until it is known whether there is one
            "queue": f"insert into dibs.queue (name) values ('{NEW_QUEUES[ROWS // 2]}');",
        }
        for table, key in KEYS.items() - {("worker", "id")}:
            found = await self._connection.fetch(f"select {key} from dibs.{table} order by 1")
            keys = [row[0] for row in found]
            if table == "cancel_request":
                # those of jobs that still run are nobody's before they have ended
                keys = [key for key in keys if key in self.rows.ended]
            nth = len(keys) // 2 if table == "batch" else len(keys) * 3 // 4
            holds[table] = f"select from dibs.{table} where {key} = {keys[nth]} for update;"
        return holds

    async def waiting(self, hold: str, side: Side) -> list[int]:
        """Which of a side's statements come to a halt."""
        return [nth for nth in range(len(side.sends)) if (await self.meet(hold, (side, nth))).waited]

    async def meet(self, hold: str, *sends: tuple[Side, int]) -> Met:
        """Send statements while rows are held, and let go when all have come to a halt or have ended."""
        transaction = self._connection.transaction()
        await transaction.start()
        await self._connection.execute(hold)
        tasks = {side.pid(nth): asyncio.ensure_future(side.run(nth)) for side, nth in sends}
        while running := [pid for pid, task in tasks.items() if not task.done()]:
            if await self._connection.fetchval(_ALL_WAIT, running):
                break
        await transaction.rollback()
        errors = [error for error in await asyncio.gather(*tasks.values(), return_exceptions=True) if error]
        deadlocks = [error for error in errors if isinstance(error, asyncpg.DeadlockDetectedError)]
        assert errors == deadlocks
        return Met(bool(running), [str(error.detail) for error in deadlocks])

    async def deadlocks(self, holds: Iterable[str], one: Side, other: Side) -> list[str]:
        """Have each two statements meet that come to a halt, with each of the holds; tell which of them deadlock."""
        found: list[str] = []
        for hold in holds:
            for first, second in product(await self.waiting(hold, one), repeat=2):
                met = await self.meet(hold, (one, first), (other, second))
                found += [f"{one.name(first)} and {other.name(second)}: {detail}" for detail in met.deadlocks]
        return found
