"""The database that a machine drives: the real statements, under a clock that stands still unless it is moved.

A history of steps is one transaction, which is rolled back at its end. So the next one begins with empty tables,
whatever tables there are, in a millisecond. Advisory locks are held on a second connection, as those of worker
processes are: a connection would be given its own lock again.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import asyncpg

from dibs.engine.liveness import hold
from dibs.storage.connect import WORKER_SETTINGS
from dibs.storage.session import Operation
from dibs.storage.statement import Query, Statement, bind
from stateful.model import START
from support.engine import Engine

T = TypeVar("T")

# The clock of the migration without the time that passes by itself: what is due is not a matter of milliseconds.
_STANDING_CLOCK = f"""
create or replace function dibs.clock() returns timestamptz language sql stable parallel safe
return timestamptz '{START.isoformat()}'
  + coalesce(nullif(current_setting('dibs.clock_offset', true), ''), '0')::interval
"""
# So that histories are told with the same ids whenever they are repeated.
_COUNT_FROM_ONE = """
select setval(oid::regclass, 1, false) from pg_class where relkind = 'S' and relnamespace = 'dibs'::regnamespace
"""
_LET_GO = bind("select pg_advisory_unlock(hashtextextended('/*schema.*/worker', $1::bigint))", "dibs")


class SpoilableEngine(Engine):
    """The engine, with some of its statements replaced."""

    def __init__(self, connection: asyncpg.Connection, spoilt: Mapping[str, Statement]) -> None:
        super().__init__(connection)
        self._spoilt = spoilt

    async def run(self, operation: Operation[T]) -> T:
        """Drive any operation."""
        return await super().run(_replacing(operation, self._spoilt))


class World:
    """One database, and histories one after the other."""

    def __init__(self, runner: asyncio.Runner, engine: Engine, processes: Engine) -> None:
        self._runner = runner
        self.engine = engine
        self._processes = processes
        self._history: Any = None
        self.seen: Counter[str] = Counter()
        """What has happened in all histories, by name: a machine that sees little shows little."""

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something asynchronous."""
        return self._runner.run(work)

    def run(self, operation: Operation[T]) -> T:
        """Drive an operation."""
        return self.wait(self.engine.run(operation))

    def begin(self) -> None:
        """Begin a history, with empty tables."""
        self.wait(self.engine.connection.execute(_COUNT_FROM_ONE))
        self._history = self.engine.connection.transaction()
        self.wait(self._history.start())

    def end(self) -> None:
        """Forget everything that the history has written."""
        self.wait(self._history.rollback())
        self.wait(self._processes.connection.execute("select pg_advisory_unlock_all()"))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside is rolled back."""
        savepoint = self.engine.connection.transaction()
        self.wait(savepoint.start())
        try:
            yield
        finally:
            self.wait(savepoint.rollback())

    def move_clock(self, since_start: timedelta) -> None:
        """Set the database's clock."""
        self.wait(self.engine.move_clock(f"{since_start.total_seconds():.0f} seconds"))

    def hold(self, worker: int) -> None:
        """A worker's process takes its lock."""
        assert self.wait(self._processes.run(hold(worker)))

    def let_go(self, worker: int) -> None:
        """The process of a worker ends, or its connection is cut."""
        assert self.wait(self._processes.connection.fetchval(_LET_GO, worker))


@contextmanager
def open_world(database_url: str, spoilt: Mapping[str, Statement] | None = None) -> Iterator[World]:
    """A world in a database that is used for nothing else; *spoilt* statements replace those of their names."""
    with asyncio.Runner() as runner, ExitStack() as connections:

        def connect() -> asyncpg.Connection:
            connection = runner.run(asyncpg.connect(database_url, server_settings=WORKER_SETTINGS))
            connections.callback(lambda: runner.run(connection.close()))
            return connection

        engine = SpoilableEngine(connect(), spoilt or {})
        runner.run(engine.connection.execute(_STANDING_CLOCK))
        yield World(runner, engine, Engine(connect()))


def _replacing(operation: Operation[T], spoilt: Mapping[str, Statement]) -> Operation[T]:
    try:
        step = next(operation)
        while True:
            if isinstance(step, Query):
                step = replace(step, statement=spoilt.get(step.statement.name, step.statement))
            step = operation.send((yield step))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration does not know its generator
