"""What a server can do without a queue, measured in a few seconds: the ceiling for whatever is built on it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any, Final

from dibs.bench.places import connected
from dibs.bench.stage.sending import make_payload
from dibs.storage.connect import Connection
from dibs.storage.statement import quote

PAYLOAD_BYTES: Final = 200
CONNECTIONS: Final = 10
_TABLE: Final = "bare_row"
_CALLS: Final = 300
_INSERT_SECONDS: Final = 1.5
_COPY_ROWS: Final = 50_000
_ARGS: Final = f'{{"number":1,"payload":"{make_payload(PAYLOAD_BYTES)}"}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one server, as seen from here."""

    round_trip_ms: float
    """A query that does nothing."""
    insert_ms: float
    """An INSERT of one row with its commit."""
    insert_without_flush_ms: float
    """The same without waiting for the commit to be on disk."""
    inserts_per_second: float
    """INSERTs of one row with commit, over ten connections."""
    copied_per_second: float
    """Rows of one COPY."""

    @property
    def flush_ms(self) -> float:
        """What a commit waits for the disk."""
        return max(self.insert_ms - self.insert_without_flush_ms, 0.0)

    @property
    def flush_share(self) -> float:
        """The disk's part in an INSERT with commit."""
        return self.flush_ms / self.insert_ms

    def as_json(self) -> dict[str, Any]:
        """As it is printed."""
        return {
            **{name: round(value, 3) for name, value in asdict(self).items()},
            "flush_share": round(self.flush_share, 3),
        }


async def measure(dsn: str, schema: str) -> Limits:
    """Measure in a table in *schema*, which is dropped at the end."""
    table = f"{quote(schema)}.{_TABLE}"
    async with AsyncExitStack() as stack:
        first, *others = [await stack.enter_async_context(connected(dsn)) for _ in range(CONNECTIONS)]
        await first.execute(f"create table {table} (id bigint generated always as identity primary key, args json)")
        try:
            return Limits(
                round_trip_ms=await _median_ms(lambda: first.fetchval("select 1")),
                insert_ms=await _insert_ms(first, table, flushes=True),
                insert_without_flush_ms=await _insert_ms(first, table, flushes=False),
                inserts_per_second=await _inserts_per_second([first, *others], table),
                copied_per_second=await _copied_per_second(first, schema),
            )
        finally:
            await first.execute(f"drop table {table}")


async def _insert_ms(connection: Connection, table: str, *, flushes: bool) -> float:
    if not flushes:
        await connection.execute("set synchronous_commit = off")
    insert = await connection.prepare(f"insert into {table} (args) values ($1)")
    took = await _median_ms(lambda: insert.fetchval(_ARGS))
    await connection.execute("reset synchronous_commit")
    return took


async def _inserts_per_second(connections: list[Connection], table: str) -> float:
    began = time.monotonic()
    deadline = began + _INSERT_SECONDS

    async def caller(connection: Connection) -> int:
        insert, done = await connection.prepare(f"insert into {table} (args) values ($1)"), 0
        while time.monotonic() < deadline:
            await insert.fetchval(_ARGS)
            done += 1
        return done

    done = await asyncio.gather(*map(caller, connections))
    return sum(done) / (time.monotonic() - began)


async def _copied_per_second(connection: Connection, schema: str) -> float:
    rows = [(_ARGS,)] * _COPY_ROWS
    began = time.monotonic()
    await connection.copy_records_to_table(_TABLE, schema_name=schema, columns=["args"], records=rows)
    return _COPY_ROWS / (time.monotonic() - began)


async def _median_ms(call: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(_CALLS):
        began = time.monotonic_ns()
        await call()
        times.append(time.monotonic_ns() - began)
    return sorted(times)[len(times) // 2] / 1e6
