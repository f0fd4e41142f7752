"""Jobs of a batch end, are counted and pruned."""

from dibs.domain.outcome import SUCCEEDED
from interleaving.explorer import Actors
from interleaving.meeting import meeting
from interleaving.meetings.jobs import ended, members, with_turn
from interleaving.programs import (
    finishes,
    folds,
    held_open,
    prunes,
    retries,
)
from support.engine import FAILED, Engine


@meeting(
    may_roll_back={"a"},
    endings={
        "a refused none; b refused none -> 1 succeeded, 2 failed",
        "a was rolled back; b refused none -> 1 running (1), 2 failed",
    },
)
async def member_and_member(engine: Engine) -> Actors:
    """Two jobs of a batch end in different ways."""
    first, second = await members(engine)
    return {"a": held_open(finishes(SUCCEEDED, first)), "b": held_open(finishes(FAILED, second))}


@meeting(
    may_roll_back={"fold"},
    endings={
        "finish refused none; fold done -> 1 succeeded, 2 failed",
        "finish refused none; fold was rolled back -> 1 succeeded, 2 failed",
    },
)
async def member_and_fold(engine: Engine) -> Actors:
    first, second = await members(engine)
    await engine.finish(first)
    return {"finish": held_open(finishes(FAILED, second)), "fold": held_open(folds())}


@meeting(
    endings={
        "a done; b done -> 1 succeeded, 2 succeeded",
    },
)
async def fold_and_fold(engine: Engine) -> Actors:
    await engine.finish(*await members(engine))
    return {"a": held_open(folds()), "b": held_open(folds())}


@meeting(
    endings={
        "finish refused none; prune pruned 1, batches 0 -> 2 succeeded",
        "finish refused none; prune pruned 2, batches 1 -> no jobs",
    },
)
async def prune_and_member(engine: Engine) -> Actors:
    """One job of a batch has ended long ago, the other one ends."""
    first, second = await members(engine)
    await engine.finish(first)
    holder = await with_turn(engine)
    return {"prune": held_open(prunes(holder)), "finish": held_open(finishes(SUCCEEDED, second))}


@meeting(
    waits={"prune for fold"},
    may_roll_back={"fold"},
    endings={
        "fold done; prune pruned 2, batches 1 -> no jobs",
        "fold was rolled back; prune pruned 2, batches 1 -> no jobs",
    },
)
async def prune_and_fold(engine: Engine) -> Actors:
    await engine.finish(*await members(engine))
    holder = await with_turn(engine)
    return {"prune": held_open(prunes(holder)), "fold": held_open(folds())}


@meeting(
    waits={"retry for prune"},
    may_roll_back={"prune", "retry"},
    endings={
        "prune pruned 2, batches 1; retry moved none -> no jobs",
        "prune pruned 2, batches 1; retry was rolled back -> no jobs",
        "prune was rolled back; retry moved 1 -> 1 ready (1), 2 failed",
        "prune was rolled back; retry was rolled back -> 1 failed, 2 failed",
        "prune pruned 1, batches 0; retry moved 1 -> 1 ready (1)",
        "prune pruned 1, batches 0; retry was rolled back -> 1 failed",
    },
)
async def prune_and_retry(engine: Engine) -> Actors:
    jobs = await ended(engine, FAILED, batch=True)
    holder = await with_turn(engine)
    return {"prune": held_open(prunes(holder, dead_letters=True)), "retry": held_open(retries(jobs[0]))}


@meeting(
    endings={
        "a pruned 2, batches 1; b pruned 0, batches 0 -> no jobs",
        "a pruned 2, batches 1; b had no turn -> no jobs",
        "a had no turn; b pruned 2, batches 1 -> no jobs",
        "a pruned 0, batches 0; b pruned 2, batches 1 -> no jobs",
    },
)
async def prune_and_prune(engine: Engine) -> Actors:
    await ended(engine, SUCCEEDED, batch=True)
    holder = await with_turn(engine)
    return {"a": held_open(prunes(holder)), "b": held_open(prunes(holder))}
