"""What actors do, and how they tell what came of it."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

from dibs.domain.errors import LeaseLostError
from dibs.domain.job import ClaimedJob, NewJob
from dibs.domain.outcome import Outcome
from dibs.engine.claim import Floor, claim, succeed_and_claim
from dibs.engine.liveness import deregister, heartbeat, tidy
from dibs.engine.progress import ProgressReport, report_progress
from dibs.engine.prune import Walk, prune
from dibs.engine.rescue import disown
from dibs.storage import statements
from dibs.storage.session import Operation
from dibs.worker.transaction import JobTransaction, Lender
from interleaving.play import Program
from support.engine import GRACE_SECONDS, Engine

_FAR = datetime(2200, 1, 1, tzinfo=UTC)


def held_open(program: Program) -> Program:
    """The same in a transaction, which ends in a step of its own: others meet what is not committed yet."""

    async def act(me: Engine) -> str:
        async with me.connection.transaction():
            return await program(me)

    return act


def one_after_the_other(*programs: Program) -> Program:
    """Each in turn."""

    async def act(me: Engine) -> str:
        return ", ".join([await program(me) for program in programs])

    return act


def claims(worker: int, queue: int, count: int) -> Program:
    async def act(me: Engine) -> str:
        return f"got {ids(job.id for job in await me.run(claim(worker, {queue: count})))}"

    return act


def claims_and_finishes(worker: int, queue: int, outcome: Outcome) -> Program:
    """A worker that knows what it holds."""

    async def act(me: Engine) -> str:
        async with me.connection.transaction():
            jobs = await me.run(claim(worker, {queue: 1}))
        async with me.connection.transaction():
            refused = await me.finish(*jobs, outcome=outcome)
        return f"got {ids(job.id for job in jobs)}, refused {ids(refused)}"

    return act


def succeeds_and_claims(worker: int, queue: int, ended: ClaimedJob, count: int) -> Program:
    async def act(me: Engine) -> str:
        floors = [Floor(queue, 0, 0)]
        trip = await me.run(succeed_and_claim(worker, [ended], floors, {queue: count}))
        return f"refused {ids(trip.refused)}, got {ids(job.id for job in trip.claimed)}"

    return act


def finishes(outcome: Outcome, *jobs: ClaimedJob) -> Program:
    async def act(me: Engine) -> str:
        return f"refused {ids(await me.finish(*jobs, outcome=outcome))}"

    return act


def succeeds_in_its_transaction(job: ClaimedJob) -> Program:
    """`job.transaction()`, in which the task writes."""

    async def act(me: Engine) -> str:
        try:
            async with JobTransaction(job, _LENDER, me.connection, lambda: None):
                await me.connection.execute("insert into effect (job_id) values ($1)", job.id)
        except LeaseLostError:
            return "had lost it"
        return "committed"

    return act


def cancels(*job_ids: int) -> Program:
    async def act(me: Engine) -> str:
        done = await me.cancel(*job_ids)
        return f"ended {ids(done.ended)}, asked {ids(done.requested)}"

    return act


def retries(*job_ids: int) -> Program:
    async def act(me: Engine) -> str:
        return f"moved {ids(await me.retry(*job_ids))}"

    return act


def enqueues(*jobs: NewJob) -> Program:
    async def act(me: Engine) -> str:
        return f"wrote {len(await me.enqueue(*jobs))}"

    return act


def promotes() -> Program:
    async def act(me: Engine) -> str:
        return f"moved {(await me.promote()).count}"

    return act


def rescues() -> Program:
    async def act(me: Engine) -> str:
        return f"took {ids(job.job_id for job in await me.rescue())}"

    return act


def disowns(worker: int, *tokens: int) -> Program:
    async def act(me: Engine) -> str:
        return f"handed back {ids(await me.run(disown(worker, tokens)))}"

    return act


def beats(worker: int) -> Program:
    async def act(me: Engine) -> str:
        told = await me.run(heartbeat(worker, holds_lock=False, grace_seconds=GRACE_SECONDS))
        return "lives" if told else "is given up"

    return act


def says_goodbye(worker: int) -> Program:
    async def act(me: Engine) -> str:
        await me.run(deregister(worker))
        return "gone"

    return act


def reports(job: ClaimedJob) -> Program:
    async def act(me: Engine) -> str:
        await me.run(report_progress([ProgressReport(job.id, job.token, 1, 2, None)]))
        return "told"

    return act


def prunes(holder: int, *, dead_letters: bool = False) -> Program:
    async def act(me: Engine) -> str:
        piece = await me.run(prune(holder, Walk(dead_letters, _FAR), 60.0))
        return f"pruned {piece.pruned}, batches {piece.batches}" if piece.has_turn else "had no turn"

    return act


def folds() -> Program:
    async def act(me: Engine) -> str:
        await me.run(_fold())
        return "done"

    return act


def tidies() -> Program:
    async def act(me: Engine) -> str:
        await me.run(tidy())
        return "done"

    return act


def ids(of: Iterable[int]) -> str:
    """Ids as they are told."""
    return " ".join(map(str, sorted(of))) or "none"


def _fold() -> Operation[None]:
    yield statements.BATCHES_FOLD()


def _not_pooled() -> AbstractAsyncContextManager[Any]:
    raise AssertionError("an actor has a connection of its own")


_LENDER = Lender(dsn="", schema="dibs", pooled=_not_pooled)
