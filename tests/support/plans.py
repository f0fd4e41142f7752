"""What a statement did, read from its plan: how each table was read, how many rows were looked at, how many pages.

A statement is prepared and then executed, as drivers do, so that the plan is one that they get: the one that is made
for the parameters (custom), or the one that serves all parameters and is kept (generic).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

import asyncpg

from dibs.storage.statement import Query, Statement

Mode: TypeAlias = Literal["custom", "generic"]
MODES: Final[Sequence[Mode]] = get_args(Mode)

PAGES_ALONE: Final = 30
"""Pages a statement may read whatever it is asked for: roots of indexes, queues, workers."""

ROWS_PER_JOB: Final = 4
ROWS_ALONE: Final = 100
"""Rows that one node of a plan may look at: a few for each job, and small tables as a whole. A loop over all of one
table or of one list for each job of the other looks at many more."""

_PAGES: Final = """
select sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0)
           + coalesce(toast_blks_read + toast_blks_hit + tidx_blks_read + tidx_blks_hit, 0))
from pg_statio_all_tables where schemaname = 'dibs'
"""

BY_PLACE: Final = "ctid = any(array("
"""What statements write where rows that were just locked are to be taken by their place."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A hot statement with its parameters, and what it may cost."""

    query: Query
    jobs: int = 1
    pages_per_job: int = 0
    pages_alone: int = PAGES_ALONE
    ways: dict[str, set[str]] = field(default_factory=dict)
    """For each table, the ways it may be read: names of indexes, or `Tid Scan`. Nothing is said of other tables."""
    whole: frozenset[str] = frozenset()
    """Tables that may be read as a whole, because they are small or the statement is rare."""
    only_pages: bool = False
    """Whether it is left to the planner how to read the tables, as long as that costs little."""

    @property
    def pages_max(self) -> int:
        """Pages that the statement may read and write, whatever the size of the tables."""
        return self.pages_alone + self.pages_per_job * self.jobs

    @property
    def rows_max(self) -> int:
        """Rows that a node may look at."""
        return ROWS_ALONE + ROWS_PER_JOB * self.jobs

    def complaints(self, plan: "Plan", mode: Mode) -> list[str]:
        """What is wrong with a plan that was run, in words."""
        said = [*self._too_many_pages(plan)]
        if not self.only_pages:
            said += [*self._too_many_rows(plan), *self._wrong_ways(plan)]
        return [f"{self.query.statement.name}, {mode} plan: {what}" for what in said]

    def _too_many_pages(self, plan: "Plan") -> Iterator[str]:
        if plan.pages > self.pages_max:
            yield f"{plan.pages} pages for {self.jobs} jobs, at most {self.pages_max}"

    def _too_many_rows(self, plan: "Plan") -> Iterator[str]:
        for node in plan.nodes():
            table = node.get("Relation Name")
            if table not in self.whole and (rows := visited(node)) > self.rows_max:
                yield f"{way(node)} over {rows} rows of {table or 'a list'}, at most {self.rows_max}"

    def _wrong_ways(self, plan: "Plan") -> Iterator[str]:
        for table, allowed in self.ways.items():
            if others := plan.ways(table) - allowed:
                yield f"{table} was read by {sorted(others)}, not by {sorted(allowed)}"
        by_place = sum(node["Node Type"] == "Tid Scan" for node in plan.nodes())
        meant = self.query.statement.template.count(BY_PLACE)
        if by_place != meant:
            yield f"{by_place} Tid Scans where {meant} were meant"


class Plan:
    """A plan that was run."""

    def __init__(self, root: dict[str, Any], pages: int) -> None:
        self._root = root
        self.pages = pages
        """Pages of tables and indexes that were read or written in all, one that was visited twice counted twice."""

    def nodes(self) -> Iterator[dict[str, Any]]:
        """Every node."""
        todo = [self._root]
        while todo:
            node = todo.pop()
            todo += node.get("Plans", [])
            yield node

    def scans(self) -> Iterator[dict[str, Any]]:
        """Every node that reads a table."""
        return (node for node in self.nodes() if "Relation Name" in node and node["Node Type"] != "ModifyTable")

    def ways(self, table: str) -> set[str]:
        """How a table was read: by which index, by place (Tid Scan), or as a whole (Seq Scan)."""
        return {way(node) for node in self.scans() if node["Relation Name"] == table}


def way(node: dict[str, Any]) -> str:
    """The index that a node uses, or what kind of node it is."""
    return str(node.get("Index Name", node["Node Type"]))


def visited(node: dict[str, Any]) -> int:
    """Rows that a node gave or looked at in vain, all its runs together."""
    in_vain = sum(rows for name, rows in node.items() if name.startswith("Rows Removed by"))
    return round((node["Actual Rows"] + in_vain) * node["Actual Loops"])


async def pages_so_far(connection: asyncpg.Connection) -> int:
    """Pages of our tables that have been visited in this database.

    The counts of a plan's nodes do not add up to this: one node's count holds those of others that ran while it ran,
    wherever they stand in the plan.
    """
    await connection.execute("select pg_stat_force_next_flush()")
    return int(await connection.fetchval(_PAGES))


def literal(value: Any) -> str:
    """A parameter, written into SQL."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "'{" + ",".join("null" if item is None else json.dumps(item) for item in value) + "}'"
    return "'" + str(value) + "'"


class Prepared:
    """A statement that was prepared on a connection. Its generic plan is made once, and kept."""

    def __init__(self, connection: asyncpg.Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    @classmethod
    async def make(cls, connection: asyncpg.Connection, statement: Statement, name: str) -> "Prepared":
        """Prepare *statement*; no other of this name must be there."""
        await connection.execute(f"prepare {name} as {statement.text('dibs')}")
        return cls(connection, name)

    async def plan(self, params: Sequence[Any], mode: Mode) -> Plan:
        """Run it, read its plan, and undo what it did."""
        values = ", ".join(map(literal, params))
        before = await pages_so_far(self._connection)
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            await self._connection.execute(f"set local plan_cache_mode = force_{mode}_plan")
            told = await self._connection.fetchval(
                f"explain (analyze, buffers, timing off, format json) "
                f"execute {self._name}{f'({values})' if values else ''}"
            )
        finally:
            await transaction.rollback()
        return Plan(json.loads(told)[0]["Plan"], await pages_so_far(self._connection) - before)

    async def forget(self) -> None:
        """Free the name."""
        await self._connection.execute(f"deallocate {self._name}")


async def planned(connection: asyncpg.Connection, query: Query, mode: Mode) -> Plan:
    """The plan that *query* gets now."""
    prepared = await Prepared.make(connection, query.statement, "planned")
    try:
        return await prepared.plan(query.params, mode)
    finally:
        await prepared.forget()


async def complaints(connection: asyncpg.Connection, guards: Sequence[Guard]) -> list[str]:
    """What is wrong with the plans that these statements get now, in both modes."""
    found: list[str] = []
    for guard in guards:
        for mode in MODES:
            plan = await planned(connection, guard.query, mode)
            found += guard.complaints(plan, mode)
    return found
