"""Workers are taken for dead, and are not."""

from dibs.domain.outcome import SUCCEEDED, Outcome
from interleaving.explorer import Actors
from interleaving.meeting import meeting
from interleaving.meetings.jobs import a_worker, held, mail
from interleaving.programs import (
    beats,
    claims,
    claims_and_finishes,
    disowns,
    finishes,
    held_open,
    one_after_the_other,
    reports,
    rescues,
    succeeds_and_claims,
    succeeds_in_its_transaction,
)
from support.engine import FAILED, RETRY, Engine


@meeting(
    waits={"claim for rescue"},
    may_roll_back={"rescue"},
    endings={
        "claim got 1; rescue took 1 -> 1 ready (1, lost 1)",
        "claim got 1; rescue was rolled back -> 1 running (1)",
        "claim got 1; rescue took none -> 1 running (1)",
        "claim got none; rescue took none -> 1 ready (0)",
    },
)
async def claim_and_rescue(engine: Engine) -> Actors:
    """The worker is taken for dead while it claims."""
    worker, queue = await a_worker(engine)
    await engine.enqueue(mail())
    await engine.lose(worker)
    return {"claim": held_open(claims(worker, queue, 1)), "rescue": held_open(rescues())}


@meeting(
    endings={
        "claim got none; rescue took 1 -> 1 ready (1, lost 1)",
        "claim got 1; rescue took 1 -> 1 running (2)",
    },
)
async def claim_of_another_and_rescue(engine: Engine) -> Actors:
    lost, queue = await a_worker(engine)
    worker, _ = await a_worker(engine)
    await held(engine, lost, mail())
    await engine.lose(lost)
    return {"claim": held_open(claims(worker, queue, 9)), "rescue": held_open(rescues())}


@meeting(
    waits={"worker for rescue"},
    may_roll_back={"worker"},
    endings={
        "rescue took 2; worker refused none, got 2 -> 1 succeeded, 2 ready (1, lost 1)",
        "rescue took 1; worker was rolled back -> 1 ready (1, lost 1), 2 ready (0)",
        "rescue took none; worker refused none, got 2 -> 1 succeeded, 2 running (1)",
        "rescue took none; worker was rolled back -> 1 running (1), 2 ready (0)",
        "rescue took 1; worker refused 1, got none -> 1 ready (1, lost 1), 2 ready (0)",
    },
)
async def round_trip_and_rescue(engine: Engine) -> Actors:
    """A worker that is taken for dead records a success and claims the next job."""
    worker, queue = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.enqueue(mail())
    await engine.lose(worker)
    return {"worker": held_open(succeeds_and_claims(worker, queue, job, 1)), "rescue": held_open(rescues())}


@meeting(
    waits={"finish for rescue"},
    may_roll_back={"finish", "rescue"},
    endings={
        "finish refused none; rescue took none -> 1 succeeded",
        "finish refused none; rescue was rolled back -> 1 succeeded",
        "finish was rolled back; rescue took 1 -> 1 ready (1, lost 1)",
        "finish was rolled back; rescue was rolled back -> 1 running (1)",
        "finish was rolled back; rescue took none -> 1 running (1)",
        "finish refused 1; rescue took 1 -> 1 ready (1, lost 1)",
    },
)
async def finish_and_rescue(engine: Engine) -> Actors:
    return await ending_and_rescue(engine, SUCCEEDED)


@meeting(
    waits={"finish for rescue"},
    endings={
        "finish refused none; rescue took none -> 1 scheduled (1)",
        "finish refused 1; rescue took 1 -> 1 ready (1, lost 1)",
    },
)
async def retry_and_rescue(engine: Engine) -> Actors:
    return await ending_and_rescue(engine, RETRY)


async def ending_and_rescue(engine: Engine, outcome: Outcome) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.lose(worker)
    return {"finish": held_open(finishes(outcome, job)), "rescue": held_open(rescues())}


@meeting(
    endings={
        "lost refused none; next took none, got none, refused none -> 1 succeeded",
        "lost refused 1; next took 1, got 1, refused none -> 1 failed",
    },
)
async def finish_after_all_and_second_run(engine: Engine) -> Actors:
    """The job was rescued and claimed by another worker; now both tell how it ended."""
    lost, queue = await a_worker(engine)
    (stale,) = await held(engine, lost, mail())
    await engine.lose(lost)
    worker, _ = await a_worker(engine)
    return {
        "lost": held_open(finishes(SUCCEEDED, stale)),
        "next": one_after_the_other(rescues(), claims_and_finishes(worker, queue, FAILED)),
    }


@meeting(
    waits={"heartbeat for rescue"},
    may_roll_back={"rescue"},
    endings={
        "heartbeat lives; rescue took none -> 1 running (1)",
        "heartbeat lives; rescue was rolled back -> 1 running (1)",
        "heartbeat is given up; rescue took 1 -> 1 ready (1, lost 1)",
    },
)
async def heartbeat_and_rescue(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    await held(engine, worker, mail())
    await engine.lose(worker)
    return {"heartbeat": held_open(beats(worker)), "rescue": held_open(rescues())}


@meeting(
    endings={
        "claim got 1; heartbeat lives -> 1 running (1)",
    },
)
async def heartbeat_and_claim(engine: Engine) -> Actors:
    worker, queue = await a_worker(engine)
    await engine.enqueue(mail())
    return {"heartbeat": held_open(beats(worker)), "claim": held_open(claims(worker, queue, 1))}


@meeting(
    endings={
        "a took 1 2; b took none -> 1 ready (1, lost 1), 2 failed",
        "a took none; b took 1 2 -> 1 ready (1, lost 1), 2 failed",
    },
)
async def rescue_and_rescue(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    await held(engine, worker, mail(), mail(max_attempts=1))
    await engine.lose(worker)
    return {"a": held_open(rescues()), "b": held_open(rescues())}


@meeting(
    waits={"disown for rescue"},
    endings={
        "disown handed back 1; rescue took none -> 1 ready (0)",
        "disown handed back none; rescue took 1 -> 1 ready (1, lost 1)",
    },
)
async def disown_and_rescue(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    await held(engine, worker, mail())
    await engine.lose(worker)
    return {"disown": held_open(disowns(worker)), "rescue": held_open(rescues())}


@meeting(
    waits={"disown for finish", "finish for disown"},
    endings={
        "disown handed back 1; finish refused 1 -> 1 ready (0)",
        "disown handed back none; finish refused none -> 1 succeeded",
    },
)
async def disown_and_finish(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    return {"disown": held_open(disowns(worker)), "finish": held_open(finishes(SUCCEEDED, job))}


@meeting(
    may_roll_back={"claim"},
    endings={
        "claim got 1; disown handed back 1 -> 1 ready (0)",
        "claim was rolled back; disown handed back none -> 1 ready (0)",
        "claim got 1; disown handed back none -> 1 running (1)",
    },
)
async def disown_and_late_claim(engine: Engine) -> Actors:
    """The server commits a claim after its worker has given up on the answer."""
    worker, queue = await a_worker(engine)
    await engine.enqueue(mail())
    return {"claim": held_open(claims(worker, queue, 1)), "disown": held_open(disowns(worker))}


@meeting(
    waits={"task for rescue"},
    may_roll_back={"rescue"},
    endings={
        "rescue took none; task committed -> 1 succeeded, effect written",
        "rescue was rolled back; task committed -> 1 succeeded, effect written",
        "rescue took 1; task had lost it -> 1 ready (1, lost 1)",
    },
)
async def transaction_and_rescue(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.lose(worker)
    return {"task": succeeds_in_its_transaction(job), "rescue": held_open(rescues())}


@meeting(
    endings={
        "progress told; rescue took 1 -> 1 ready (1, lost 1)",
    },
)
async def progress_and_rescue(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.lose(worker)
    return {"progress": held_open(reports(job)), "rescue": held_open(rescues())}


@meeting(
    endings={
        "finish refused none; progress told -> 1 succeeded",
    },
)
async def progress_and_finish(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    return {"progress": held_open(reports(job)), "finish": held_open(finishes(SUCCEEDED, job))}
