"""Tables of a queue that has been at work for a while, with as many jobs in line as a test wants.

A million is built once for each run, as a template that tests clone, by whichever process comes first.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg

from support.postgres import TestServer, with_database

MILLION: Final = 1_000_000
URGENT: Final = 10
"""The priority of every hundredth job; the others have 0."""

TABLES: Final = (
    "queue", "job", "ready", "scheduled", "lease", "done", "attempt_error", "progress", "worker", "cancel_request",
    "batch", "batch_delta", "batch_watch",
)  # fmt: skip


@dataclass(frozen=True)
class Filling:
    """How many jobs stand where, and under which ids, beginning with 1: in line, leased, due, later, failed."""

    ready: int

    @property
    def others(self) -> int:
        """Jobs in each of the other places."""
        return max(self.ready // 20, 100) if self.ready else 0

    @property
    def wishes(self) -> int:
        """Leased jobs that are to be cancelled."""
        return min(self.others, 20)

    def leased(self, count: int) -> list[int]:
        """Ids of *count* jobs that are leased, if there are as many."""
        return self._ids(0, count)

    def tokens(self, count: int) -> list[int]:
        """Their tokens: a hundred jobs were claimed at a time."""
        return [id_ // 100 for id_ in self.leased(count)]

    def all_tokens(self) -> list[int]:
        """The tokens of all leases."""
        return sorted(set(self.tokens(self.others)))

    def later(self, count: int) -> list[int]:
        """Ids of jobs that are scheduled."""
        return self._ids(2, count)

    def failed(self, count: int) -> list[int]:
        """Ids of dead letters."""
        return self._ids(3, count)

    def in_line(self, count: int) -> list[int]:
        """Ids of jobs in line, from all over it."""
        return list(range(1, self.ready + 1, max(self.ready // count, 1)))[:count]

    def sql(self) -> str:
        """What fills empty tables."""
        places = {f"place_{nth}": self._span(nth) for nth in range(4)}
        last = self.ready + 4 * self.others
        return _FILL.format(ready=self.ready, others=self.others, last=last, urgent=URGENT, **places)

    def _first(self, place: int) -> int:
        return self.ready + 1 + place * self.others

    def _ids(self, place: int, count: int) -> list[int]:
        return list(range(self._first(place), self._first(place) + min(count, self.others)))

    def _span(self, place: int) -> str:
        return f"generate_series({self._first(place)}, {self._first(place + 1) - 1}) n"


_FILL: Final = """
insert into dibs.queue (name) values ('default'), ('other');
insert into dibs.worker
    (hostname, pid, version, queue_ids, slots, asleep, timeout_seconds, started_at, heartbeat_at)
  select 'host', n, '1', array[n % 2 + 1], 10, n % 2 = 1, 30, now(), now() from generate_series(1, 4) n;
insert into dibs.batch (name, total, created_at)
  select 'upload', 100, now() from generate_series(0, {ready} / 1000);

insert into dibs.job (id, queue_id, priority, max_attempts, batch_id, task, args)
  select n, 1, case when n % 100 = 0 then {urgent} else 0 end, 3, case when n % 10 = 0 then n / 1000 + 1 end,
         'tests.task', '{{}}'
  from generate_series(1, {last}) n;
select setval('dibs.job_id', {last} + 1);

insert into dibs.ready (job_id, queue_id, priority, attempt, lost)
  select n, 1, case when n % 100 = 0 then {urgent} else 0 end, 0, 0 from generate_series(1, {ready}) n;

insert into dibs.lease (job_id, token, worker_id, batch_id, leased_at, attempt, lost)
  select n, n / 100, 2, case when n % 10 = 0 then n / 1000 + 1 end, now(), 1, 0 from {place_0};
insert into dibs.progress select n, 1, 2, 'half', now() from {place_0};
insert into dibs.cancel_request select job_id, now() from dibs.lease order by job_id limit 20;

insert into dibs.scheduled (job_id, run_at, attempt, lost, reason)
  select n, now() - interval '1 day' + n * interval '1 ms', 1, 0, 'retry' from {place_1};
insert into dibs.scheduled (job_id, run_at, attempt, lost, reason)
  select n, now() + interval '1 day' + n * interval '1 ms', 0, 0, 'delay' from {place_2};

insert into dibs.done (job_id, worker_id, started_at, finished_at, attempt, outcome)
  select n, 2, now(), now(), 1, 'f' from {place_3};
insert into dibs.attempt_error (job_id, attempt, occurred_at, error_type, message)
  select n, 1, now(), 'ValueError', 'no' from {place_3};

insert into dibs.batch_delta (batch_id, succeeded)
  select n % ({ready} / 1000 + 1) + 1, 1 from generate_series(1, least({others}, 1000)) n;
"""

ANALYSE: Final = f"analyze {', '.join(f'dibs.{table}' for table in TABLES)}"
"""Have the planner know the tables as they are now."""

LEAVE_UNANALYSED: Final = ";".join(f"alter table dibs.{table} set (autovacuum_enabled = off)" for table in TABLES)
"""Keep autovacuum from analysing the tables in the middle of a test."""

FORGET_ANALYSIS: Final = """
update pg_class set reltuples = -1 where relkind = 'r' and relnamespace = 'dibs'::regnamespace
"""
"""As if tables that were analysed while they were empty never had been: nothing else tells the two apart."""


@contextmanager
def million(server: TestServer) -> Iterator[str]:
    """The name of a database with a million jobs in line, whose tables were analysed while they were empty.

    Processes that use it hold a lock together; the last one drops it, for the sake of a server that outlives the run.
    """
    name = f"{server.template}_million"
    building, using = (f"hashtextextended('{name}', {nth})" for nth in range(2))
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"select pg_advisory_lock({building})")
        if not admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            _make(admin, server, name)
        admin.execute(f"select pg_advisory_lock_shared({using}), pg_advisory_unlock({building})")
        yield name
        admin.execute(f"select pg_advisory_lock({building}), pg_advisory_unlock_shared({using})")
        if admin.execute(f"select pg_try_advisory_lock({using})").fetchone() == (True,):
            admin.execute(f"drop database {name}")


def _make(admin: "psycopg.Connection[tuple[object, ...]]", server: TestServer, name: str) -> None:
    unfinished = f"{name}_unfinished"
    admin.execute(f"drop database if exists {unfinished}")
    admin.execute(f"create database {unfinished} template {server.template}")
    with psycopg.connect(with_database(server.url, unfinished), autocommit=True) as connection:
        for sql in (LEAVE_UNANALYSED, ANALYSE, Filling(MILLION).sql()):
            connection.execute(sql)
    admin.execute(f"alter database {unfinished} rename to {name}")


@contextmanager
def clone(server: TestServer, template: str) -> Iterator[str]:
    """A database like *template*, dropped at the end."""
    name = f"{template}_{secrets.token_hex(5)}"
    server.execute(f"create database {name} template {template} strategy file_copy")
    try:
        yield with_database(server.url, name)
    finally:
        server.execute(f"drop database {name} with (force)")
