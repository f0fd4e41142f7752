"""Pruning: what goes, what stays, and that one prunes at a time while everybody else goes on."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from math import inf

import pytest

from dibs.domain.outcome import CANCELLED, SUCCEEDED
from dibs.domain.retention import Retention
from dibs.engine import prune as pruning
from dibs.engine.batch import batch_progress
from dibs.engine.liveness import tidy
from dibs.engine.progress import ProgressReport, report_progress
from dibs.engine.prune import Cutoffs, Piece, Walk, cutoffs, prunable, prune, take_turn
from support.engine import FAILED, RETRY, Connect, Engine, new_job

PRUNER = 4711
DAY = Retention(finished=timedelta(days=1), dead_letters=timedelta(days=1))


async def ended(engine: Engine, *outcomes: str) -> list[int]:
    """Jobs that ended just now: s succeeded, f failed, c cancelled."""
    ids = await engine.enqueue(*[new_job(max_attempts=9)] * len(outcomes))
    await end(engine, *outcomes)
    return ids


async def end(engine: Engine, *outcomes: str) -> None:
    """Claim as many jobs as there are *outcomes*, and let them end so."""
    jobs = await engine.claim(await engine.register(), len(outcomes))
    by_letter = {"s": SUCCEEDED, "f": FAILED, "c": CANCELLED, "r": RETRY}
    for job, letter in zip(jobs, outcomes, strict=True):
        await engine.finish(job, outcome=by_letter[letter])


async def all_pieces(engine: Engine, until: Cutoffs | None = None, holder: int = PRUNER) -> list[Piece]:
    """Prune everything that may go."""
    assert await engine.run(take_turn(holder, 60))
    pieces = []
    for each in (until or await engine.run(cutoffs())).walks:
        walk = each
        while True:
            pieces.append(await engine.run(prune(holder, walk, 60)))
            assert pieces[-1].has_turn
            if pieces[-1].is_last:
                break
            walk = replace(walk, behind_id=pieces[-1].last_id)
    return pieces


async def pruned(engine: Engine) -> int:
    """Prune everything that may go; gives how many that were."""
    return sum(piece.pruned for piece in await all_pieces(engine))


async def left(engine: Engine) -> list[int]:
    """The jobs that there are."""
    return [row[0] for row in await engine.connection.fetch("select id from dibs.job order by id")]


async def test_finished_jobs_go_after_a_week_and_dead_letters_after_a_month(engine: Engine):
    succeeded, failed, cancelled = await ended(engine, "s", "f", "c")
    await engine.move_clock("6 days 23 hours")
    assert await pruned(engine) == 0
    await engine.move_clock("7 days 1 hour")
    assert await engine.run(prunable(await engine.run(cutoffs()))) == (2, 0)
    assert await pruned(engine) == 2
    assert await left(engine) == await engine.ids("done") == [failed]
    assert (await engine.job(failed)).error == "ValueError: no"
    await engine.move_clock("30 days 1 hour")
    assert await pruned(engine) == 1
    assert await left(engine) == await engine.ids("attempt_error") == []
    assert succeeded < failed < cancelled


async def test_what_has_not_ended_stays_however_old_it_is(engine: Engine):
    ready, running, retrying = await engine.enqueue(*[new_job(max_attempts=9)] * 2, new_job(priority=1, max_attempts=9))
    (scheduled,) = await engine.enqueue(new_job(delay_seconds=1e8))
    await end(engine, "r")
    worker = await engine.register()
    (job,) = await engine.claim(worker)
    await engine.run(report_progress([ProgressReport(job.id, job.token, 1, 2, None)]))
    await engine.cancel(job.id)
    before = await engine.everything()
    await engine.move_clock("10 years")
    assert await pruned(engine) == 0
    assert await engine.everything() == before
    assert await left(engine) == sorted([ready, running, scheduled, retrying])


async def test_nothing_of_a_pruned_job_is_left(engine: Engine):
    (id_,) = await engine.enqueue(new_job(max_attempts=9))
    await end(engine, "r")
    await engine.retry(id_)
    (job,) = await engine.claim(await engine.register())
    await engine.run(report_progress([ProgressReport(job.id, job.token, 1, 2, None)]))
    await engine.cancel(id_)
    await engine.finish(job)
    await engine.move_clock("8 days")
    assert await pruned(engine) == 1
    for table in ("job", "done", "attempt_error", "progress", "cancel_request"):
        assert await engine.count(table) == 0, table


async def test_a_job_that_ended_late_is_kept_for_as_long_from_then(engine: Engine):
    (late,) = await engine.enqueue()
    await engine.move_clock("3 days")
    await end(engine, "s")
    others = await ended(engine, "s", "s")
    await engine.move_clock("9 days")
    assert await pruned(engine) == 0
    await engine.move_clock("10 days 1 second")
    assert await pruned(engine) == 3
    assert late < min(others)


async def test_a_walk_takes_piece_after_piece_and_passes_by_what_stays(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pruning, "PRUNE_ROWS", 3)
    ids = await ended(engine, *"sfsccsfffs")
    await engine.move_clock("8 days")
    pieces = await all_pieces(engine)
    whole = [piece for piece in pieces if piece.looked]
    assert [(piece.looked, piece.pruned) for piece in whole[:4]] == [(3, 2), (3, 3), (3, 0), (1, 1)]
    assert [piece.first_pruned_id for piece in whole[:4]] == [ids[0], ids[3], None, ids[9]]
    assert await left(engine) == [ids[n] for n in (1, 6, 7, 8)]


async def test_a_walk_is_over_at_the_first_job_that_was_enqueued_too_late(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """So jobs that must stay are not read, however many there are."""
    monkeypatch.setattr(pruning, "PRUNE_ROWS", 2)
    ids = await ended(engine, *"ssssssss")
    await engine.connection.execute("update dibs.job set enqueued_at = enqueued_at - interval '9 days' where id <= $1",
                                    ids[2])  # fmt: skip
    await engine.connection.execute("update dibs.done set finished_at = finished_at - interval '9 days' "
                                    "where job_id <= $1", ids[2])  # fmt: skip
    pieces = [piece for piece in await all_pieces(engine) if piece.looked]
    assert [(piece.looked, piece.pruned, piece.is_last) for piece in pieces] == [(2, 2, False), (2, 1, True)]
    assert await left(engine) == ids[3:]


async def test_who_keeps_for_ever_loses_nothing(engine: Engine):
    await ended(engine, "s", "f", "c")
    await engine.run(take_turn(PRUNER, 60, Retention(finished=None, dead_letters=60)))
    await engine.move_clock("50 years")
    until = await engine.run(cutoffs())
    assert [walk.dead_letters for walk in until.walks] == [True]
    assert await pruned(engine) == 1
    assert await engine.count("done") == 2
    await engine.run(take_turn(PRUNER, 60, Retention(finished=None, dead_letters=None)))
    assert (await engine.run(cutoffs())).walks == ()


# -- what several apps ask for -----------------------------------------------------------------------------------------


async def kept_days(engine: Engine) -> tuple[float, float]:
    """For how many days finished jobs and dead letters are kept."""
    now = await engine.connection.fetchval("select dibs.clock()")
    until = await engine.run(cutoffs())
    return tuple(round((now - moment) / timedelta(days=1), 2) if moment else inf  # type: ignore[return-value]
                 for moment in (until.finished, until.dead_letters))  # fmt: skip


async def test_an_app_that_says_nothing_changes_nothing(engine: Engine):
    assert await kept_days(engine) == (7, 30)
    assert await engine.run(take_turn(1, 60, Retention(finished=timedelta(days=90))))
    for _ in range(3):
        await engine.move_clock("300 days")
        assert await engine.run(take_turn(1, 60))
        assert await kept_days(engine) == (90, 30)


async def test_a_time_that_is_shorter_than_the_default_holds_only_while_somebody_asks_for_it(engine: Engine):
    assert await engine.run(take_turn(1, 60, DAY))
    await engine.move_clock("23 hours")
    assert await engine.run(take_turn(1, 60))
    assert await kept_days(engine) == (1, 1)
    await engine.move_clock("25 hours")
    assert await kept_days(engine) == (7, 30)
    assert await engine.run(take_turn(1, 60, DAY))
    assert await kept_days(engine) == (1, 1)


async def test_a_longer_time_holds_at_once_and_also_when_somebody_else_has_the_turn(engine: Engine):
    assert await engine.run(take_turn(1, 60, DAY))
    assert await kept_days(engine) == (1, 1)
    assert not await engine.run(take_turn(2, 60, Retention(finished=None, dead_letters=timedelta(hours=1))))
    assert await kept_days(engine) == (inf, 1)


async def test_a_shorter_time_holds_when_nobody_has_asked_for_longer_for_a_day(engine: Engine):
    """An app that is set wrong, or that others share their tables with, prunes nothing of theirs in the meantime."""
    await engine.run(take_turn(1, 60, Retention(finished=None)))
    for hours in (1, 12, 23):
        await engine.move_clock(f"{hours} hours")
        await engine.run(take_turn(2, 60, DAY))
        assert await kept_days(engine) == (inf, 30)
    await engine.move_clock("25 hours")
    await engine.run(take_turn(2, 60, DAY))
    assert await kept_days(engine) == (1, 1)


# -- one at a time -----------------------------------------------------------------------------------------------------


async def test_one_has_the_turn_until_it_is_gone(engine: Engine):
    assert await engine.run(take_turn(1, 60))
    assert not await engine.run(take_turn(2, 60))
    assert await engine.run(take_turn(1, 60))
    await engine.move_clock("61 seconds")
    assert await engine.run(take_turn(2, 60))
    assert not await engine.run(take_turn(1, 60))


async def test_each_piece_keeps_the_turn(engine: Engine):
    assert await engine.run(take_turn(1, 60))
    await engine.move_clock("50 seconds")
    walk = (await engine.run(cutoffs())).walks[0]
    assert (await engine.run(prune(1, walk, 60))).has_turn
    await engine.move_clock("100 seconds")
    assert not await engine.run(take_turn(2, 60))


async def test_people_come_before_workers_but_not_before_people(engine: Engine):
    await ended(engine, "s")
    assert await engine.run(take_turn(1, 60))
    assert await engine.run(take_turn(-7, 60, before_workers=True))
    assert not await engine.run(take_turn(-8, 60, before_workers=True))
    await engine.move_clock("8 days")
    walk = (await engine.run(cutoffs())).walks[0]
    piece = await engine.run(prune(1, walk, 60))
    assert (piece.has_turn, piece.pruned, piece.looked) == (False, 0, 0)
    assert await engine.count("done") == 1


async def test_who_comes_while_a_piece_is_under_way_neither_waits_nor_prunes(engine: Engine, connect: Connect):
    await ended(engine, "s", "s")
    await engine.move_clock("8 days")
    other = await connect()
    await engine.run(take_turn(PRUNER, 60))
    walk = (await engine.run(cutoffs())).walks[0]
    async with engine.connection.transaction():
        assert (await engine.run(prune(PRUNER, walk, 60))).pruned == 2
        await other.connection.execute("set lock_timeout = '1ms'")
        assert not (await other.run(prune(PRUNER, walk, 60))).has_turn
        assert not await other.run(take_turn(-1, 60, before_workers=True))


# -- while others are at work ------------------------------------------------------------------------------------------


async def test_a_dead_letter_that_is_being_retried_stays(engine: Engine, connect: Connect):
    first, retried = await ended(engine, "f", "f")
    pruner = await connect()
    await pruner.move_clock("31 days")
    async with engine.connection.transaction():
        assert await engine.retry(retried) == [retried]
        assert await pruned(pruner) == 1
    assert await left(engine) == await engine.ids("ready") == [retried]
    assert (await engine.claim_one(await engine.register())).attempt == 2
    assert first < retried


async def test_a_retry_of_a_dead_letter_that_is_being_pruned_finds_none(engine: Engine, connect: Connect):
    _, (failed,) = await engine.batch(new_job())
    await end(engine, "f")
    other = await connect()
    await engine.move_clock("31 days")
    async with engine.connection.transaction():
        assert await pruned(engine) == 1
        retrying = asyncio.ensure_future(other.retry(failed))
        await engine.until_blocked(other)
    assert await retrying == []
    for table in ("job", "done", "ready", "batch", "batch_delta"):
        assert await engine.count(table) == 0, table


async def test_an_ending_that_comes_too_late_is_refused_and_a_wish_to_cancel_is_forgotten(engine: Engine):
    (id_,) = await engine.enqueue()
    old = await engine.claim_one(await engine.register())
    await engine.finish(old)
    await engine.move_clock("8 days")
    assert await pruned(engine) == 1
    assert await engine.finish(old, outcome=FAILED) == [id_]
    assert await engine.finish(old, outcome=RETRY) == [id_]
    assert list((await engine.succeed_and_claim(1, [old])).refused) == [id_]
    await engine.run(report_progress([ProgressReport(old.id, old.token, 1, 2, None)]))
    assert await engine.cancel(id_) == await engine.cancel()
    await engine.connection.execute("insert into dibs.cancel_request values ($1, now())", id_)
    await engine.run(tidy())
    for table in ("job", "done", "attempt_error", "progress", "cancel_request"):
        assert await engine.count(table) == 0, table


async def test_everything_at_once_for_a_while(engine: Engine, connect: Connect):
    """No deadlock, and nothing comes of age for one and is used by another; what is left obeys the conservation law."""
    made = [await engine.batch(*[new_job(max_attempts=50)] * 10) for _ in range(8)]
    ids = [id_ for _, batch in made for id_ in batch]

    async def work() -> None:
        mine = await connect()
        worker = await mine.register()
        for turn in range(30):
            jobs = await mine.claim(worker, 10)
            await mine.finish(*jobs[::2], outcome=FAILED if turn % 2 else SUCCEEDED)
            await mine.succeed_and_claim(worker, jobs[1::2])

    async def repeat(holder: int) -> None:
        mine = await connect()
        await mine.move_clock("31 days")
        for _ in range(40):
            if await mine.run(take_turn(holder, 0)):
                for walk in (await mine.run(cutoffs())).walks:
                    await mine.run(prune(holder, walk, 0))

    async def again() -> None:
        mine = await connect()
        for n in range(30):
            await mine.retry(*ids[n % 3 :: 3])
            await mine.cancel(*reversed(ids[::7]))
            await mine.run(tidy())

    await asyncio.gather(work(), work(), repeat(1), repeat(2), again())


# -- batches -----------------------------------------------------------------------------------------------------------


async def test_a_batch_counts_what_was_pruned_and_goes_with_its_last_job(engine: Engine, connect: Connect):
    batch, ids = await engine.batch(*[new_job(max_attempts=1)] * 4)
    await end(engine, *"ssf")
    before = await engine.run(batch_progress(batch))
    await engine.move_clock("8 days")
    pieces = await all_pieces(engine)
    assert (sum(p.pruned for p in pieces), sum(p.batches for p in pieces)) == (2, 0)
    assert await engine.run(batch_progress(batch)) == before
    assert before is not None
    assert (before.total, before.succeeded, before.failed, before.waiting) == (4, 2, 1, 1)

    now = await connect()
    assert await now.retry(ids[2]) == [ids[2]]
    await end(now, "s", "s")
    await now.run(tidy())
    after = await now.run(batch_progress(batch))
    assert after is not None
    assert (after.total, after.succeeded, after.failed, after.is_finished) == (4, 4, 0, True)

    assert [p.batches for p in await all_pieces(engine) if p.pruned] == [1]
    assert await engine.run(batch_progress(batch)) is None
    assert await engine.count("batch_delta") == 0


async def test_a_batch_goes_when_its_last_job_is_not_the_one_that_was_written_last(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pruning, "PRUNE_ROWS", 2)
    _, ids = await engine.batch(*[new_job(max_attempts=9)] * 5)
    other, _ = await engine.batch(new_job(delay_seconds=60))
    await end(engine, *"fssss")
    await engine.move_clock("8 days")
    assert [p.batches for p in await all_pieces(engine) if p.pruned] == [0, 0, 0]
    assert await left(engine) == [ids[0], ids[-1] + 1]
    await engine.move_clock("31 days")
    assert [p.batches for p in await all_pieces(engine) if p.pruned] == [1]
    assert await engine.connection.fetchval("select id from dibs.batch") == other


async def test_a_fold_that_holds_a_batch_is_waited_for(engine: Engine, connect: Connect):
    batch, _ = await engine.batch(new_job())
    await end(engine, "s")
    pruner = await connect()
    await pruner.move_clock("8 days")
    async with engine.connection.transaction():
        await engine.run(tidy())
        going = asyncio.ensure_future(pruned(pruner))
        await engine.until_blocked(pruner)
    assert await going == 1
    assert await engine.run(batch_progress(batch)) is None


async def test_a_walk_begins_behind_a_job(engine: Engine):
    ids = await ended(engine, *"sss")
    await engine.move_clock("8 days")
    await engine.run(take_turn(PRUNER, 60))
    until = await engine.run(cutoffs())
    assert until.finished is not None
    piece = await engine.run(prune(PRUNER, Walk(dead_letters=False, before=until.finished, behind_id=ids[0]), 60))
    assert (piece.pruned, piece.first_pruned_id, piece.last_id) == (2, ids[1], ids[2])
