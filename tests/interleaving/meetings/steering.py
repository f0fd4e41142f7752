"""Jobs are cancelled, retried and promoted, while something happens to them."""

from dibs.domain.outcome import HANDED_BACK, SUCCEEDED, Outcome, Verdict
from interleaving.explorer import Actors
from interleaving.meeting import meeting
from interleaving.meetings.jobs import QUEUE, SNOOZED, a_worker, ended, held, mail, scheduled_and_due
from interleaving.programs import (
    cancels,
    claims,
    enqueues,
    finishes,
    held_open,
    promotes,
    rescues,
    retries,
    succeeds_in_its_transaction,
    tidies,
)
from support.engine import FAILED, RETRY, Engine


@meeting(
    endings={
        "cancel ended none, asked none; finish refused none -> 1 succeeded",
        "cancel ended none, asked 1; finish refused none -> 1 succeeded",
    },
)
async def finish_and_cancel(engine: Engine) -> Actors:
    return await ending_and_cancel(engine, SUCCEEDED)


@meeting(
    may_roll_back={"finish", "cancel"},
    endings={
        "cancel ended 1, asked none; finish refused none -> 1 cancelled",
        "cancel was rolled back; finish refused none -> 1 scheduled (0)",
        "cancel ended none, asked 1; finish was rolled back -> 1 running (1)",
        "cancel was rolled back; finish was rolled back -> 1 running (1)",
        "cancel ended none, asked 1; finish refused none -> 1 cancelled",
    },
)
async def snooze_and_cancel(engine: Engine) -> Actors:
    return await ending_and_cancel(engine, SNOOZED)


@meeting(
    endings={
        "cancel ended 1, asked none; finish refused none -> 1 cancelled",
        "cancel ended none, asked 1; finish refused none -> 1 cancelled",
    },
)
async def hand_back_and_cancel(engine: Engine) -> Actors:
    return await ending_and_cancel(engine, HANDED_BACK)


async def ending_and_cancel(engine: Engine, outcome: Outcome) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    return {"finish": held_open(finishes(outcome, job)), "cancel": held_open(cancels(job.id))}


@meeting(
    may_roll_back={"task"},
    endings={
        "cancel ended none, asked none; task committed -> 1 succeeded, effect written",
        "cancel ended none, asked 1; task was rolled back -> 1 running (1)",
        "cancel ended none, asked 1; task committed -> 1 succeeded, effect written",
    },
)
async def transaction_and_cancel(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    return {"task": succeeds_in_its_transaction(job), "cancel": held_open(cancels(job.id))}


@meeting(
    endings={
        "cancel ended 1, asked none; rescue took 1 -> 1 cancelled",
        "cancel ended none, asked 1; rescue took 1 -> 1 cancelled",
    },
)
async def rescue_and_cancel(engine: Engine) -> Actors:
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.lose(worker)
    return {"rescue": held_open(rescues()), "cancel": held_open(cancels(job.id))}


@meeting(
    waits={"cancel for claim"},
    endings={
        "cancel ended 2, asked 1; claim got 1 -> 1 running (1), 2 cancelled",
        "cancel ended 1 2, asked none; claim got none -> 1 cancelled, 2 cancelled",
    },
)
async def claim_and_cancel(engine: Engine) -> Actors:
    worker, queue = await a_worker(engine)
    jobs = await engine.enqueue(mail(), mail())
    return {"claim": held_open(claims(worker, queue, 1)), "cancel": held_open(cancels(*jobs))}


@meeting(
    waits={"cancel for promote"},
    may_roll_back={"promote"},
    endings={
        "cancel ended 1, asked none; promote moved 1 -> 1 cancelled",
        "cancel ended 1, asked none; promote was rolled back -> 1 cancelled",
        "cancel ended 1, asked none; promote moved 0 -> 1 cancelled",
    },
)
async def promote_and_cancel(engine: Engine) -> Actors:
    jobs = await scheduled_and_due(engine, 1)
    return {"promote": held_open(promotes()), "cancel": held_open(cancels(*jobs))}


@meeting(
    may_roll_back={"enqueue"},
    endings={
        "cancel ended 1, asked none; enqueue wrote 1 -> 1 cancelled",
        "cancel ended none, asked none; enqueue was rolled back -> no jobs",
        "cancel ended none, asked none; enqueue wrote 1 -> 1 ready (0)",
    },
)
async def enqueue_and_cancel(engine: Engine) -> Actors:
    await engine.queue(QUEUE)
    return {"enqueue": held_open(enqueues(mail())), "cancel": held_open(cancels(1))}


@meeting(
    waits={"a for b", "b for a"},
    may_roll_back={"a"},
    endings={
        "a wrote 1; b wrote 1 -> 1 ready (0), 2 ready (0)",
        "a was rolled back; b wrote 1 -> 2 ready (0)",
        "a was rolled back; b wrote 1 -> 1 ready (0)",
    },
)
async def new_queue_and_new_queue(engine: Engine) -> Actors:
    """The first jobs of a queue, and a job of a queue that is known."""
    return {"a": held_open(enqueues(mail())), "b": held_open(enqueues(mail()))}


@meeting(
    waits={"a for b", "b for a"},
    may_roll_back={"a"},
    endings={
        "a ended 2 3, asked 1; b ended none, asked 1 -> 1 running (1), 2 cancelled, 3 cancelled",
        "a was rolled back; b ended 2 3, asked 1 -> 1 running (1), 2 cancelled, 3 cancelled",
        "a ended none, asked 1; b ended 2 3, asked 1 -> 1 running (1), 2 cancelled, 3 cancelled",
    },
)
async def cancel_and_cancel(engine: Engine) -> Actors:
    """One job in line, one that is scheduled, one that runs."""
    worker, _ = await a_worker(engine)
    (running,) = await held(engine, worker, mail())
    jobs = [running.id, *await engine.enqueue(mail(), mail(delay_seconds=60))]
    return {"a": held_open(cancels(*jobs)), "b": held_open(cancels(*reversed(jobs)))}


@meeting(
    waits={"cancel for retry", "retry for cancel"},
    may_roll_back={"retry"},
    endings={
        "cancel ended 1, asked none; retry moved 1 -> 1 cancelled",
        "cancel ended 1, asked none; retry was rolled back -> 1 cancelled",
        "cancel ended 1, asked none; retry moved none -> 1 cancelled",
        "cancel ended 1, asked none; retry moved 1 -> 1 ready (0)",
    },
)
async def retry_and_cancel(engine: Engine) -> Actors:
    """Of a job that is scheduled."""
    jobs = await engine.enqueue(mail(delay_seconds=60))
    return {"retry": held_open(retries(*jobs)), "cancel": held_open(cancels(*jobs))}


@meeting(
    waits={"retry for promote"},
    endings={
        "promote moved 0; retry moved 1 -> 1 ready (0)",
        "promote moved 1; retry moved none -> 1 ready (0)",
    },
)
async def retry_and_promote(engine: Engine) -> Actors:
    jobs = await scheduled_and_due(engine, 1)
    return {"retry": held_open(retries(*jobs)), "promote": held_open(promotes())}


@meeting(
    waits={"a for b", "b for a"},
    endings={
        "a moved 1 2; b moved none -> 1 ready (1), 2 ready (1)",
        "a moved none; b moved 1 2 -> 1 ready (1), 2 ready (1)",
    },
)
async def retry_and_retry(engine: Engine) -> Actors:
    jobs = await ended(engine, FAILED, batch=True)
    return {"a": held_open(retries(*jobs)), "b": held_open(retries(*reversed(jobs)))}


@meeting(
    waits={"retry for tidy"},
    endings={
        "retry moved 1; tidy done -> 1 ready (1)",
    },
)
async def retry_and_tidy(engine: Engine) -> Actors:
    """Of a job that was cancelled while it ran: the wish to cancel it is still there."""
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.cancel(job.id)
    await engine.finish(job, outcome=Outcome(Verdict.CANCEL))
    return {"retry": held_open(retries(job.id)), "tidy": held_open(tidies())}


@meeting(
    waits={"retry for tidy", "tidy for retry"},
    endings={
        "retry moved 1; tidy done -> 1 ready (1)",
        "retry moved none; tidy done -> 1 cancelled",
    },
)
async def retry_and_tidy_of_one_that_slipped(engine: Engine) -> Actors:
    """Of a job that failed for now as somebody wished to cancel it: neither saw the other."""
    worker, _ = await a_worker(engine)
    (job,) = await held(engine, worker, mail())
    await engine.finish(job, outcome=RETRY)
    await engine.connection.execute("insert into dibs.cancel_request values ($1, dibs.clock())", job.id)
    return {"retry": held_open(retries(job.id)), "tidy": held_open(tidies())}


@meeting(
    may_roll_back={"a"},
    endings={
        "a moved 2; b moved 0 -> 1 ready (0), 2 ready (0)",
        "a was rolled back; b moved 2 -> 1 ready (0), 2 ready (0)",
        "a was rolled back; b moved 0 -> 1 scheduled (0), 2 scheduled (0)",
        "a moved 0; b moved 2 -> 1 ready (0), 2 ready (0)",
    },
)
async def promote_and_promote(engine: Engine) -> Actors:
    await scheduled_and_due(engine, 2)
    return {"a": held_open(promotes()), "b": held_open(promotes())}
