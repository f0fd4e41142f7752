"""Three meet over the same jobs."""

from dibs.domain.outcome import SUCCEEDED
from interleaving.explorer import Actors
from interleaving.meeting import meeting
from interleaving.meetings.jobs import SNOOZED, a_worker, ended, held, mail, members, scheduled_and_due, with_turn
from interleaving.programs import (
    cancels,
    claims,
    disowns,
    finishes,
    folds,
    held_open,
    promotes,
    prunes,
    rescues,
    retries,
    succeeds_and_claims,
    tidies,
)
from support.engine import FAILED, RETRY, Engine


@meeting(
    waits={"finish for rescue"},
    endings={
        "cancel ended 1, asked none; finish refused none; rescue took none -> 1 cancelled",
        "cancel ended none, asked 1; finish refused none; rescue took none -> 1 cancelled",
        "cancel ended 1, asked none; finish refused 1; rescue took 1 -> 1 cancelled",
        "cancel ended none, asked 1; finish refused 1; rescue took 1 -> 1 cancelled",
    },
)
async def finish_rescue_cancel(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.lose(worker)
    return {
        "finish": held_open(finishes(RETRY, job)),
        "rescue": held_open(rescues()),
        "cancel": held_open(cancels(job.id)),
    }


@meeting(
    waits={"cancel for claim", "cancel for promote"},
    endings={
        "cancel ended 1, asked 2; claim got 2; promote moved 1 -> 1 cancelled, 2 running (1)",
        "cancel ended 1, asked 2; claim got 2; promote moved 0 -> 1 cancelled, 2 running (1)",
        "cancel ended none, asked 1 2; claim got 1 2; promote moved 1 -> 1 running (1), 2 running (1)",
        "cancel ended 1 2, asked none; claim got none; promote moved 1 -> 1 cancelled, 2 cancelled",
        "cancel ended 2, asked 1; claim got 1; promote moved 1 -> 1 running (1), 2 cancelled",
        "cancel ended 1 2, asked none; claim got none; promote moved 0 -> 1 cancelled, 2 cancelled",
    },
)
async def claim_promote_cancel(engine: Engine) -> Actors:
    worker, queue = await a_worker(engine)
    jobs = [*await scheduled_and_due(engine, 1), *await engine.enqueue(mail())]
    return {
        "claim": held_open(claims(worker, queue, 9)),
        "promote": held_open(promotes()),
        "cancel": held_open(cancels(*jobs)),
    }


@meeting(
    endings={
        "finish refused none; fold done; retry moved 1 -> 1 ready (1), 2 succeeded",
    },
)
async def member_fold_retry(engine: Engine) -> Actors:
    first, second = await members(engine)
    await engine.finish(first, outcome=FAILED)
    return {
        "finish": held_open(finishes(SUCCEEDED, second)),
        "fold": held_open(folds()),
        "retry": held_open(retries(first.id)),
    }


@meeting(
    waits={"prune for fold", "retry for prune"},
    endings={
        "fold done; prune pruned 2, batches 1; retry moved none -> no jobs",
        "fold done; prune pruned 1, batches 0; retry moved 1 -> 1 ready (1)",
    },
)
async def prune_fold_retry(engine: Engine) -> Actors:
    jobs = await ended(engine, FAILED, batch=True)
    holder = await with_turn(engine)
    return {
        "prune": held_open(prunes(holder, dead_letters=True)),
        "fold": held_open(folds()),
        "retry": held_open(retries(jobs[0])),
    }


@meeting(
    waits={"disown for rescue", "disown for worker", "worker for disown", "worker for rescue"},
    endings={
        "disown handed back none; rescue took 2; worker refused none, got 2 -> 1 succeeded, 2 ready (1, lost 1)",
        "disown handed back 2; rescue took none; worker refused none, got 2 -> 1 succeeded, 2 ready (0)",
        "disown handed back none; rescue took none; worker refused none, got 2 -> 1 succeeded, 2 running (1)",
        "disown handed back none; rescue took 1; worker refused 1, got none -> 1 ready (1, lost 1), 2 ready (0)",
        "disown handed back 1; rescue took none; worker refused 1, got 2 -> 1 ready (0), 2 running (1)",
        "disown handed back 1; rescue took 2; worker refused 1, got 2 -> 1 ready (0), 2 ready (1, lost 1)",
        "disown handed back 1; rescue took none; worker refused 1, got none -> 1 ready (0), 2 ready (0)",
        "disown handed back 1; rescue took 1; worker refused 1, got 1 -> 1 ready (1, lost 1), 2 ready (0)",
        "disown handed back 1; rescue took none; worker refused 1, got 1 -> 1 running (1), 2 ready (0)",
    },
)
async def round_trip_rescue_disown(engine: Engine) -> Actors:
    worker, queue = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.enqueue(mail())
    await engine.lose(worker)
    return {
        "worker": held_open(succeeds_and_claims(worker, queue, job, 1)),
        "rescue": held_open(rescues()),
        "disown": held_open(disowns(worker)),
    }


@meeting(
    endings={
        "cancel ended 1, asked none; finish refused none; tidy done -> 1 cancelled",
        "cancel ended none, asked 1; finish refused none; tidy done -> 1 cancelled",
    },
)
async def snooze_cancel_tidy(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    return {
        "finish": held_open(finishes(SNOOZED, job)),
        "cancel": held_open(cancels(job.id)),
        "tidy": held_open(tidies()),
    }
