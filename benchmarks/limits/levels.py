"""All levels, from the rows alone to the real worker and the real app."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.limits import (
    drain_loop,
    drain_pgbench,
    drain_rows,
    drain_worker,
    enqueue_pgbench,
    enqueue_python,
    enqueue_rows,
)
from benchmarks.limits.figure import Figure

Measure = partial[Coroutine[Any, Any, Figure]]
"""Takes a server and a ground; its function's module says what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many jobs each measurement takes."""

    drained: int
    enqueued_one_by_one: int
    enqueued_in_bulk: int

    @classmethod
    def scaled(cls, scale: float) -> "Sizes":
        """At scale 1, enough for seconds of work each; whole thousands in any case."""
        return cls(
            drained=_thousands(100_000 * scale),
            enqueued_one_by_one=_thousands(5_000 * scale),
            enqueued_in_bulk=_thousands(100_000 * scale),
        )


def levels(scale: float) -> Mapping[str, list[Measure]]:
    """The measurements of L1 to L4, each to be taken on a fresh database, by what is measured."""
    sizes = Sizes.scaled(scale)
    return {"drain": _drains(sizes), "enqueue": _enqueues(sizes)}


def _drains(sizes: Sizes) -> list[Measure]:
    jobs = sizes.drained
    return [
        partial(drain_rows.measure, jobs=jobs, batch=500),
        *(partial(drain_pgbench.measure, jobs=jobs, batch=batch) for batch in (100, 500, 1000)),
        partial(drain_pgbench.measure, jobs=jobs, batch=500, together=False),
        *(partial(drain_loop.measure, jobs=jobs, batch=batch) for batch in (100, 500, 1000)),
        partial(drain_loop.measure, jobs=jobs, batch=500, connections=2),
        partial(drain_worker.measure, jobs=jobs),
    ]


def _enqueues(sizes: Sizes) -> list[Measure]:
    ones, bulk = sizes.enqueued_one_by_one, sizes.enqueued_in_bulk
    measures: list[Measure] = []
    for callers in (1, 10):
        measures += [
            partial(enqueue_rows.insert, jobs=ones, clients=callers, payload_bytes=200),
            partial(enqueue_python.insert, jobs=ones, callers=callers, payload_bytes=200),
            partial(enqueue_pgbench.measure, jobs=ones, rows=1, clients=callers, payload_bytes=200),
            partial(enqueue_python.statement, jobs=ones, callers=callers, payload_bytes=200),
            partial(enqueue_python.app, jobs=ones, callers=callers, payload_bytes=200),
        ]
    for rows in (100, 500):
        measures.append(partial(enqueue_pgbench.measure, jobs=bulk, rows=rows, clients=1, payload_bytes=200))
    for payload_bytes in (200, 4000):
        jobs = bulk if payload_bytes == 200 else _thousands(bulk / 5)  # noqa: PLR2004 - the smaller of the two
        batch = min(jobs, 10_000)
        measures += [
            partial(enqueue_rows.copy, jobs=jobs, batch=batch, payload_bytes=payload_bytes),
            partial(enqueue_python.app_bulk, jobs=jobs, batch=batch, payload_bytes=payload_bytes),
        ]
    return measures


def _thousands(jobs: float) -> int:
    return max(1, round(jobs / 1000)) * 1000
