"""Tries schedules one after the other: all that there are, or a sample from a seed.

Each begins with the same jobs. After each, the laws hold; what it led to is told in a line, and who waited for whom is
noted. There is no list of schedules: one is the series of choices that was made, and the next one takes another choice
at the last place where there is one left.
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from dibs.engine.liveness import tidy
from interleaving.play import Cast, Choose, Played, Program
from interleaving.stepped import Moves, SteppedConnection
from stateful.draining import drain
from stateful.model import START
from support.conservation import assert_conserved
from support.engine import Engine

Actors = Mapping[str, Program]
Stage = Callable[[Engine], Awaitable[Actors]]
"""Makes the jobs that a schedule begins with, and tells who does what."""

SCHEDULES_MAX = 400
"""A stage with more than that is too large to be explored; a sample of it will do."""

_TABLES = (
    "job", "ready", "scheduled", "lease", "done", "attempt_error", "progress", "worker", "cancel_request", "batch",
    "batch_delta", "batch_watch", "retention", "queue",
)  # fmt: skip
# Ids begin at one, so that they can be spoken of.
_CLEAR = f"""
{"".join(f"delete from dibs.{table};" for table in _TABLES)}
delete from effect;
update dibs.pruner set holder = null, turn_until = '-infinity';
select setval(oid::regclass, 1, false) from pg_class
where relkind = 'S' and relnamespace = 'dibs'::regnamespace
  and relname in ('job_id', 'worker_id', 'lease_token', 'batch_id');
reset dibs.clock_offset;
"""
# In parentheses stands the attempt.
_PLACES = """
select coalesce(string_agg(p.job_id || ' ' || p.place || e.written, ', ' order by p.job_id), 'no jobs')
from (
  select job_id, format('ready (%s%s)', attempt, ', lost ' || nullif(lost, 0)) as place from dibs.ready
  union all select job_id, format('scheduled (%s)', attempt) from dibs.scheduled
  union all select job_id, format('running (%s)', attempt) from dibs.lease
  union all
  select job_id, case outcome when 's' then 'succeeded' when 'f' then 'failed' else 'cancelled' end from dibs.done
) p
cross join lateral (
  select case when exists (select from effect where job_id = p.job_id) then ', effect written' else '' end as written
) e
"""


@dataclass
class Found:
    """What the schedules of a stage showed, all together."""

    schedules: int = 0
    waits: set[str] = field(default_factory=set)
    """Who was seen to wait for whom."""
    endings: dict[str, str] = field(default_factory=dict)
    """What schedules led to, each with the first one that did."""
    faults: list[str] = field(default_factory=list)
    """Laws that did not hold, each with its schedule."""


class Path:
    """The choices of one schedule, and how to come to the next one."""

    def __init__(self) -> None:
        self._taken: list[tuple[int, int]] = []
        self._at = 0

    def choose(self, moves: Moves) -> int:
        """What was chosen here before, or, beyond that, the first move."""
        if self._at == len(self._taken):
            self._taken.append((0, len(moves)))
        choice, count = self._taken[self._at]
        assert count == len(moves), "the same choices have not led to the same place"
        self._at += 1
        return choice

    def turns_elsewhere(self) -> bool:
        """Begin anew, with another choice at the last place where there is one; false when all were tried."""
        while self._taken:
            choice, count = self._taken.pop()
            if choice + 1 < count:
                self._taken.append((choice + 1, count))
                self._at = 0
                return True
        return False


class Explorer:
    """Plays stages in a database that is used for nothing else."""

    def __init__(self, director: Engine, connect: Callable[[], Awaitable[SteppedConnection]]) -> None:
        self._director = director
        self._connect = connect
        self._connections: list[SteppedConnection] = []

    async def every_schedule(self, stage: Stage, may_roll_back: frozenset[str] = frozenset()) -> Found:
        """Play all schedules; the transactions of actors that *may roll back* end in both ways."""
        found, path = Found(), Path()
        await self._play(stage, may_roll_back, path.choose, found)
        while path.turns_elsewhere():
            await self._play(stage, may_roll_back, path.choose, found)
            assert found.schedules <= SCHEDULES_MAX, "more schedules than are worth their time: take a sample"
        return found

    async def sample(self, stage: Stage, count: int, seed: int) -> Found:
        """Play *count* schedules, the same ones whenever the seed is the same."""
        found, dice = Found(), random.Random(seed)
        for _ in range(count):
            await self._play(stage, frozenset(), lambda moves: dice.randrange(len(moves)), found)
        return found

    async def _play(self, stage: Stage, may_roll_back: frozenset[str], choose: Choose, found: Found) -> None:
        await self._director.connection.execute(_CLEAR)
        programs = await stage(self._director)
        cast = await self._cast(programs)
        played = await cast.play(programs, choose, may_roll_back)
        found.schedules += 1
        found.waits |= {f"{name} for {holder}" for name, holder in played.waits}
        try:
            ending = await self._ending(played)
            if ending not in found.endings:
                found.endings[ending] = str(played)
                await self._nothing_is_stranded()
        except AssertionError as error:
            found.faults.append(f"{error}\n  after {played}")

    async def _cast(self, programs: Actors) -> Cast:
        while len(self._connections) < len(programs):
            self._connections.append(await self._connect())
        return Cast(dict(zip(programs, self._connections, strict=False)), self._director.connection)

    async def _ending(self, played: Played) -> str:
        """What a schedule has led to, after one tidying up, if the laws hold."""
        director = self._director
        assert not played.errors, "; ".join(played.errors)
        await assert_conserved(director.connection)
        await director.run(tidy())
        places = await director.connection.fetchval(_PLACES)
        told = "; ".join(f"{name} {played.said[name]}" for name in sorted(played.said))
        return f"{told} -> {places}"

    async def _nothing_is_stranded(self) -> None:
        """Whatever is left, a healthy worker that came now would bring every job to its end."""
        jobs = await self._director.connection.fetch("select id from dibs.job")
        await assert_conserved(self._director.connection)
        await drain(self._director, [row[0] for row in jobs], START)
