"""Workers claim, each other's jobs and new ones."""

from dibs.domain.outcome import HANDED_BACK, SUCCEEDED
from interleaving.explorer import Actors
from interleaving.meeting import meeting
from interleaving.meetings.jobs import a_worker, held, mail, scheduled_and_due
from interleaving.programs import (
    claims,
    claims_and_finishes,
    enqueues,
    finishes,
    held_open,
    promotes,
    says_goodbye,
    succeeds_and_claims,
)
from support.engine import Engine


@meeting(
    may_roll_back={"a"},
    endings={
        "a got 1 2; b got 3 -> 1 running (1), 2 running (1), 3 running (1)",
        "a was rolled back; b got 1 2 -> 1 running (1), 2 running (1), 3 ready (0)",
        "a was rolled back; b got 3 -> 1 ready (0), 2 ready (0), 3 running (1)",
        "a got 3; b got 1 2 -> 1 running (1), 2 running (1), 3 running (1)",
    },
)
async def claim_and_claim(engine: Engine) -> Actors:
    a, queue = await a_worker(engine)
    b, _ = await a_worker(engine)
    await engine.enqueue(*[mail()] * 3)
    return {"a": held_open(claims(a, queue, 2)), "b": held_open(claims(b, queue, 2))}


@meeting(
    endings={
        "a refused none, got 3; b refused none, got 4 -> 1 succeeded, 2 succeeded, 3 running (1), 4 running (1)",
        "a refused none, got none; b refused none, got 3 4 -> 1 succeeded, 2 succeeded, 3 running (1), 4 running (1)",
    },
)
async def round_trip_and_round_trip(engine: Engine) -> Actors:
    a, queue = await a_worker(engine)
    b, _ = await a_worker(engine)
    (of_a,), (of_b,) = await held(engine, a, mail()), await held(engine, b, mail())
    await engine.enqueue(mail(), mail())
    return {
        "a": held_open(succeeds_and_claims(a, queue, of_a, 1)),
        "b": held_open(succeeds_and_claims(b, queue, of_b, 2)),
    }


@meeting(
    endings={
        "a got 1, refused none; b got 1, refused none -> 1 succeeded",
        "a got 1, refused none; b got none, refused none -> 1 ready (0)",
        "a got none, refused none; b got 1, refused none -> 1 succeeded",
    },
)
async def worker_and_worker(engine: Engine) -> Actors:
    """Each claims a job, commits, ends it, commits; the first hands it back, so the second may come by it."""
    a, queue = await a_worker(engine)
    b, _ = await a_worker(engine)
    await engine.enqueue(mail())
    return {"a": claims_and_finishes(a, queue, HANDED_BACK), "b": claims_and_finishes(b, queue, SUCCEEDED)}


@meeting(
    may_roll_back={"enqueue"},
    endings={
        "claim got none; enqueue wrote 2 -> 1 ready (0), 2 ready (0)",
        "claim got none; enqueue was rolled back -> no jobs",
        "claim got 1 2; enqueue wrote 2 -> 1 running (1), 2 running (1)",
    },
)
async def claim_and_enqueue(engine: Engine) -> Actors:
    worker, queue = await a_worker(engine)
    return {"claim": held_open(claims(worker, queue, 9)), "enqueue": held_open(enqueues(mail(), mail()))}


@meeting(
    may_roll_back={"enqueue"},
    endings={
        "claim got none; enqueue wrote 1 -> 1 ready (0)",
        "claim got none; enqueue was rolled back -> no jobs",
        "claim got 1; enqueue wrote 1 -> 1 running (1)",
    },
)
async def claim_and_enqueue_one(engine: Engine) -> Actors:
    worker, queue = await a_worker(engine)
    return {"claim": held_open(claims(worker, queue, 9)), "enqueue": held_open(enqueues(mail()))}


@meeting(
    may_roll_back={"promote"},
    endings={
        "claim got none; promote moved 1 -> 1 ready (0)",
        "claim got none; promote was rolled back -> 1 scheduled (0)",
        "claim got 1; promote moved 1 -> 1 running (1)",
    },
)
async def claim_and_promote(engine: Engine) -> Actors:
    worker, queue = await a_worker(engine)
    await scheduled_and_due(engine, 1)
    return {"claim": held_open(claims(worker, queue, 9)), "promote": held_open(promotes())}


@meeting(
    endings={
        "claim got none; hand back refused none -> 1 ready (0)",
        "claim got 1; hand back refused none -> 1 running (1)",
    },
)
async def claim_and_finish(engine: Engine) -> Actors:
    a, queue = await a_worker(engine)
    b, _ = await a_worker(engine)
    (job,) = await held(engine, a, mail())
    return {"claim": held_open(claims(b, queue, 9)), "hand back": held_open(finishes(HANDED_BACK, job))}


@meeting(
    waits={"claim for goodbye", "goodbye for claim"},
    may_roll_back={"goodbye"},
    endings={
        "claim got 1; goodbye gone -> 1 running (1)",
        "claim got 1; goodbye was rolled back -> 1 running (1)",
        "claim got none; goodbye gone -> 1 ready (0)",
    },
)
async def claim_and_goodbye(engine: Engine) -> Actors:
    """A claim whose connection broke is still under way while its worker deregisters on another one."""
    worker, queue = await a_worker(engine)
    await engine.enqueue(mail())
    return {"claim": held_open(claims(worker, queue, 1)), "goodbye": held_open(says_goodbye(worker))}
