"""L2: dibs' own statements, driven by pgbench.

pgbench can send what it was given but can not hold five hundred claimed jobs. It need not: the line is in order and
one session drains it, so which ids and token each claim brings is known beforehand. The engine itself writes the
parameters of every round trip into a table, from which each transaction first reads its row (one lookup a batch, which
counts against this level).
"""

from collections.abc import Sequence

from benchmarks.costs import read_costs, settled_costs
from benchmarks.ground import SCHEMA, Ground
from benchmarks.limits.figure import Figure
from benchmarks.limits.lines import Held, Line, drained, fill
from benchmarks.limits.literals import execute, literal, prepare
from benchmarks.limits.pgbench import run
from benchmarks.limits.steps import finish_query, next_query
from benchmarks.servers import Server
from dibs.storage.statement import Query


async def measure(server: Server, ground: Ground, *, jobs: int, batch: int, together: bool = True) -> Figure:
    """Drain *jobs* jobs over one connection, *batch* at a time.

    *together*: record a batch and claim the next one in one statement, as plain successes are; else claim in one and
    record in another, with the statement that takes every outcome.
    """
    line = await fill(ground, jobs, payload_bytes=200)
    rounds = _rounds(line, batch, await ground.value("select nextval('lease_token')"), together=together)
    await _store(ground, rounds)
    before = await read_costs(ground, server.pid)
    ran = await run(
        server.bin / "pgbench", ground.url, once=_once(rounds[0]), each=_each(rounds[0]), clients=1,
        transactions=len(rounds), variables={"nth": 0},
    )  # fmt: skip
    costs = await settled_costs(before, ground, server.pid)
    which = "succeed_and_claim" if together else "succeed_and_claim (claims only) and finish"
    return Figure(
        name=f"drain.L2.{batch}" if together else f"drain_apart.L2.{batch}", level="L2",
        what=f"{which} by pgbench, {batch} at a time", jobs=jobs, seconds=ran.seconds, costs=costs,
        wrong=await drained(ground),
    )  # fmt: skip


def _rounds(line: Line, batch: int, token: int, *, together: bool) -> list[list[Query]]:
    """The statements of each transaction."""
    rounds: list[list[Query]] = []
    held: list[Held] = []
    for nth, ids in enumerate(line.batches(batch), start=1):
        claiming = next_query(line, held if together else [], floor=ids[0], limit=batch)
        held = [Held(id_, token + nth) for id_ in ids]
        rounds.append([claiming] if together else [claiming, finish_query(held)])
    if together:
        rounds.append([next_query(line, held, floor=line.ids[-1] + 1, limit=batch)])
    return rounds


async def _store(ground: Ground, rounds: Sequence[Sequence[Query]]) -> None:
    names = _names(rounds[0])
    await ground.db.execute(
        f"create table public.round (nth integer primary key, {', '.join(f'{name} text' for name in names)})"
    )
    await ground.db.copy_records_to_table(
        "round", schema_name="public",
        records=[
            (nth, *(literal(param) for query in queries for param in query.params))
            for nth, queries in enumerate(rounds, start=1)
        ],
    )  # fmt: skip
    await ground.db.execute("vacuum (analyze) public.round")


def _once(queries: Sequence[Query]) -> list[str]:
    return [
        "prepare look(integer) as select * from public.round where nth = $1;",
        *(prepare(f"step{nth}", query, SCHEMA) for nth, query in enumerate(queries)),
    ]


def _each(queries: Sequence[Query]) -> list[str]:
    names = iter(_names(queries))
    steps = [execute(f"step{nth}", [f":{next(names)}" for _ in query.params]) for nth, query in enumerate(queries)]
    return ["\\set nth :nth + 1", "execute look(:nth) \\gset", *steps]


def _names(queries: Sequence[Query]) -> list[str]:
    return [f"p{number}" for number in range(sum(len(query.params) for query in queries))]
