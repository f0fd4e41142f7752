"""A worker is started and stopped under load, again and again."""

import asyncio
import signal
from dataclasses import dataclass
from typing import Any, Final

from chaos.endurance.place import Place, enqueue
from chaos.endurance.verdict import Verdict

EVERY_SIGINT: Final = 5
"""Each so many-th stop comes as Ctrl-C does."""

JOBS_PER_TURN: Final = 200
ENDED_BEFORE_STOP: Final = 20
"""So many jobs end before a worker is stopped: it is in the midst of its work then."""

ASTRAY: Final = """
select count(*) from unnest($1::bigint[]) as asked (id)
where (select count(*) from dibs.done d where d.job_id = asked.id) <> 1
   or exists (select from dibs.ready r where r.job_id = asked.id)
   or exists (select from dibs.scheduled s where s.job_id = asked.id)
   or exists (select from dibs.lease l where l.job_id = asked.id)
"""
AGAIN: Final = "select count(*) from dibs.done where attempt <> 1"
OTHERWISE: Final = "select count(*) from dibs.done where outcome <> 's'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """What was asked for."""

    times: int

    async def run(self, place: Place) -> Verdict:
        """Stop workers, let the last one finish, and count."""
        asked: list[int] = []
        rows: list[dict[str, Any]] = []
        for turn in range(1, self.times + 1):
            signum = signal.SIGINT if turn % EVERY_SIGINT == 0 else signal.SIGTERM
            asked += await enqueue(len(asked), JOBS_PER_TURN, is_long=True)
            before = await place.ended()
            async with place.worker() as worker:
                await place.until("select count(*) >= $1 from dibs.done", before + ENDED_BEFORE_STOP)
                began = asyncio.get_running_loop().time()
                code = await worker.stop(signum)
                seconds = asyncio.get_running_loop().time() - began
            left = await place.value("select count(*) from dibs.lease")
            rows.append({"turn": turn, "signal": signum.name, "exit code": code, "seconds": round(seconds, 2),
                         "left leased": left})  # fmt: skip
        async with place.worker(slots=500):
            await place.until("select count(*) >= $1 from dibs.done", len(asked), seconds=60 + len(asked) / 100)
        laws = {
            "jobs that did not end just once": await place.value(ASTRAY, asked),
            "jobs that did not succeed": await place.value(OTHERWISE),
            "attempts that were counted although they were handed back": await place.value(AGAIN),
            "stops with another exit code than 0": sum(row["exit code"] != 0 for row in rows),
            "jobs left leased by a worker that had stopped": sum(row["left leased"] for row in rows),
        }
        return Verdict(rows=rows, figures={"jobs": len(asked), "stops": self.times}, broken=laws)
