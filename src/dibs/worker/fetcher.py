"""The one loop that talks to the database about jobs: it records what ended and claims what comes next."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import HANDED_BACK, Outcome, Verdict
from dibs.engine.claim import claim, finish, succeed_and_claim
from dibs.engine.liveness import set_asleep
from dibs.engine.progress import report_progress
from dibs.engine.rescue import disown
from dibs.storage.link import Link, LinkDownError
from dibs.worker.finisher import Finisher
from dibs.worker.floors import Floors
from dibs.worker.line import Line
from dibs.worker.pace import Pace

log = logging.getLogger("dibs.worker")

TROUBLE_SECONDS: Final = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Pauses after failed round trips; the last one repeats."""


class Fetcher:
    """Fills the lines and empties the finisher."""

    def __init__(
        self,
        link: Link,
        lines: Sequence[Line],
        finisher: Finisher,
        running_tokens: Callable[[], Sequence[int]],
        retry_in: Callable[[float], None],
    ) -> None:
        self._link = link
        self._lines = tuple(lines)
        self._finisher = finisher
        self._running_tokens = running_tokens
        self._retry_in = retry_in
        self._pace = Pace(can_be_notified=link.keeps_sessions)
        self._signal = asyncio.Event()
        self._floors = Floors(len(lines))
        self._look_at: float | None = 0.0
        self._is_unsure = False
        self._is_stopping = False
        self._troubles = 0
        self._trying_since: float | None = None
        self.worker_id = 0
        self.is_claiming = True

    def notify(self) -> None:
        """Something has become due, or a line runs low."""
        self._signal.set()

    @property
    def stuck_seconds(self) -> float:
        """For how long it has been trying to get a round trip through; 0 when nothing is to be done, or all is well."""
        return 0.0 if self._trying_since is None else monotonic() - self._trying_since

    def doubt(self) -> None:
        """Make sure at the next opportunity that the tables and this worker agree on what it holds."""
        self._is_unsure = True
        self._signal.set()

    def tell(self) -> None:
        """There are jobs in line: look at once, from the head."""
        self._floors.tell()
        self._signal.set()

    def stop(self) -> None:
        """Come to an end, after the round trip that is under way: its answer tells what was recorded and claimed."""
        self._is_stopping = True
        self._signal.set()

    async def run(self) -> None:
        """Go round until it is stopped."""
        while not self._is_stopping:
            self._signal.clear()
            wanted = self._wanted()
            due_in = self._finisher.due_in()
            if due_in == 0.0 or self._is_unsure or (wanted and self._may_look()):
                await self._go_round(wanted)
            elif self._pace.is_asleep and not wanted and any(line.is_busy for line in self._lines):
                await self._mark(asleep=False)
            else:
                await self._wait(due_in, wanted)

    async def flush(self) -> None:
        """Record everything that ended, at shutdown."""
        while not self._finisher.is_empty:
            await self._go_round({})

    def _wanted(self) -> dict[int, int]:
        if not self.is_claiming or self._finisher.is_full:
            return {}
        return {line.queue_id: n for line in self._lines if (n := line.wanted())}

    def _may_look(self) -> bool:
        return self._floors.is_told or (self._look_at is not None and monotonic() >= self._look_at)

    async def _wait(self, due_in: float | None, wanted: dict[int, int]) -> None:
        pauses = [due_in] if due_in is not None else []
        if wanted and self._look_at is not None:
            pauses.append(max(self._look_at - monotonic(), 0.0))
        if not pauses:
            await self._signal.wait()
            return
        loop = asyncio.get_running_loop()
        timer = loop.call_later(min(pauses), self._signal.set)
        try:
            await self._signal.wait()
        finally:
            timer.cancel()

    async def _go_round(self, wanted: dict[int, int]) -> None:
        if self._trying_since is None:
            self._trying_since = monotonic()
        for line in self._lines:
            line.measure()
        try:
            await self._settle_doubts()
            await self._record_progress()
            await self._record_others()
            claimed = await self._record_and_claim(wanted)
        except LinkDownError as error:
            self._is_unsure = True
            pause = TROUBLE_SECONDS[min(self._troubles, len(TROUBLE_SECONDS) - 1)]
            self._troubles += 1
            log.warning("a round trip failed (%s); again in %.2f s", error, pause)
            await asyncio.sleep(pause)
            return
        self._troubles = 0
        self._trying_since = None
        self._finisher.flushed()
        if wanted:
            await self._adjust_pace(claimed)

    async def _settle_doubts(self) -> None:
        """Hand back what a claim took without its answer reaching us.

        After a failed round trip, and again from time to time: the server may commit that claim only later, when it
        notices that its client is gone.
        """
        if not self._is_unsure:
            return
        waiting = [job.token for line in self._lines for job in line.held()]
        lost = await self._link.run(
            disown(self.worker_id, [*waiting, *self._running_tokens(), *self._finisher.tokens()])
        )
        self._is_unsure = False
        if lost:
            log.info("handed back %d jobs whose claim was never answered", len(lost))

    async def _record_progress(self) -> None:
        reports = self._finisher.take_progress()
        if reports:
            await self._link.run(report_progress(reports))

    async def _record_others(self) -> None:
        others = self._finisher.take_others()
        if others:
            try:
                refused = await self._link.run(finish(others))
            except BaseException:
                self._finisher.put_back([], others)
                raise
            self._warn(refused)
            for item in others:
                if item.outcome.verdict in {Verdict.RETRY, Verdict.SNOOZE, Verdict.DEFER, Verdict.HAND_BACK}:
                    self._retry_in(item.outcome.delay_seconds)

    async def _record_and_claim(self, wanted: dict[int, int]) -> int:
        from_head = bool(wanted) and self._floors.is_head_due
        successes = self._finisher.take_successes()
        claimed: list[ClaimedJob] = []
        if successes or not from_head:
            claimed = await self._succeed_and_claim(successes, {} if from_head else wanted)
        if from_head:
            self._floors.begin_at_head()
            claimed = await self._link.run(claim(self.worker_id, wanted))
            self._floors.claimed_at_head(self._link.took_seconds)
        if wanted:
            self._floors.claimed(claimed, sum(wanted.values()))
        await self._hand_out(claimed)
        return len(claimed)

    async def _succeed_and_claim(self, successes: list[ClaimedJob], wanted: dict[int, int]) -> list[ClaimedJob]:
        try:
            trip = await self._link.run(succeed_and_claim(self.worker_id, successes, self._floors.hints(), wanted))
        except BaseException:
            self._finisher.put_back(successes, [])
            raise
        self._warn(trip.refused)
        return trip.claimed

    async def _hand_out(self, claimed: list[ClaimedJob]) -> None:
        if not self.is_claiming:  # the worker was told to stop while the claim was under way
            for job in claimed:
                self._finisher.add(job, HANDED_BACK)
            return
        if any(job.lost for job in claimed):
            claimed = await self._hand_back_suspects(claimed)
        for line in self._lines:
            if jobs := [job for job in claimed if job.queue_id == line.queue_id]:
                line.put(jobs)

    async def _hand_back_suspects(self, claimed: list[ClaimedJob]) -> list[ClaimedJob]:
        """Part with suspects that must wait, and only then begin the others: one of them may kill this process."""
        kept: list[ClaimedJob] = []
        for line in self._lines:
            mine, too_many = line.sort_out([job for job in claimed if job.queue_id == line.queue_id])
            kept += mine
            for job, pause in too_many:
                self._finisher.add(job, Outcome(Verdict.HAND_BACK, pause))
        try:
            await self._record_others()
        except LinkDownError:
            for line in self._lines:  # none has begun: all go back once there is a connection again
                line.forget(kept)
            raise
        return kept

    async def _adjust_pace(self, claimed: int) -> None:
        if claimed:
            self._pace.found()
            if self._pace.should_wake:
                await self._mark(asleep=False)
        else:
            self._pace.found_nothing()
            if self._pace.should_sleep:
                await self._mark(asleep=True)
                self.tell()  # look once more, now that enqueues notify
        pause = self._pace.next_look_seconds()
        self._look_at = None if pause is None else monotonic() + pause

    async def _mark(self, *, asleep: bool) -> None:
        self._trying_since = monotonic()
        try:
            await self._link.run(set_asleep(self.worker_id, asleep=asleep))
        except LinkDownError as error:
            log.warning("could not tell that the worker is %s (%s)", "asleep" if asleep else "awake", error)
            return
        self._trying_since = None
        if asleep:
            self._pace.fell_asleep()
        else:
            self._pace.woke()

    def _warn(self, refused: Sequence[int]) -> None:
        if refused:
            log.warning("the endings of jobs %s were refused: their leases were no longer held",
                        ", ".join(map(str, refused[:20])))  # fmt: skip
