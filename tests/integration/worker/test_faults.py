"""Workers that die, stop, hang and lose their database: no job is lost, and none ends twice."""

import signal
import time
from pathlib import Path

import asyncpg
import pytest

from dibs import Dibs, JobState
from dibs.worker.upkeep import SWEEP_SECONDS
from support import scripted
from support.conservation import assert_conserved
from support.jobs import all_done, effects, in_state
from support.postgres import PrivateServer
from support.waiting import eventually
from support.workers import READY, StartWorker


async def test_jobs_of_a_killed_worker_are_running_again_within_five_seconds(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    victim = start_worker("--queues=default:4")
    jobs = await app.enqueue_many([scripted.pass_gate.job(gate=str(gate)) for _ in range(4)])
    await eventually(lambda: _began(db, 4))
    survivor = start_worker("--queues=default:4")
    await both_settled(db)
    victim.send(signal.SIGKILL)
    killed_at = time.monotonic()
    await eventually(lambda: _began(db, 5), within=10)
    assert time.monotonic() - killed_at < 5
    gate.touch()
    await all_done(db, 4)
    for job in jobs:
        assert (await app.job(job.id)).state is JobState.SUCCEEDED
        assert (await effects(db, job.id)).count("ended") == 1
    assert survivor.is_alive


async def test_hundreds_that_were_lost_twice_do_not_take_a_second_each(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    await app.enqueue_many([scripted.count.job(n) for n in range(200)])
    await db.execute("update dibs.ready set lost = 2, attempt = 1")
    start_worker("--queues=default:4")
    await all_done(db, 200, within=40)


async def both_settled(db: asyncpg.Connection) -> None:
    """Wait until both workers hold their locks; the server itself has been up for long enough by then."""
    await eventually(lambda: db.fetchval("select count(*) = 2 and bool_and(locked) from dibs.worker"))
    await eventually(lambda: db.fetchval("select clock_timestamp() > pg_postmaster_start_time() + interval '5 s'"))


async def _began(db: asyncpg.Connection, count: int) -> bool:
    return await db.fetchval("select count(*) from effect where what = 'began'") >= count


async def test_a_job_that_kills_its_worker_every_time_ends_as_a_dead_letter(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    poison = await scripted.die.enqueue()
    innocents = await app.enqueue_many([scripted.count.job(n) for n in range(20)])
    start_worker("--queues=default:4", "--processes=2", wait=False)
    job = await in_state(app, poison.id, JobState.FAILED, within=60)
    assert (job.attempt, (job.error or "").partition(":")[0]) == (3, "WorkerLost")
    await all_done(db, 21, within=60)
    for innocent in innocents:
        assert (await app.job(innocent.id)).state is JobState.SUCCEEDED


async def test_a_worker_stopped_past_its_time_out_can_not_end_a_job_given_to_another(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker, gate: Path
) -> None:
    frozen = start_worker("--queues=default:1", "--timeout=4")
    frozen_id = int(frozen.wait_for(READY)[1])
    job = await scripted.pass_gate.enqueue(gate=str(gate))
    await eventually(lambda: _began(db, 1))
    other = start_worker("--queues=default:1", "--timeout=4")
    await both_settled(db)
    frozen.send(signal.SIGSTOP)
    await eventually(lambda: _began(db, 2))
    gate.touch()
    ended = await in_state(app, job.id, JobState.SUCCEEDED)
    frozen.send(signal.SIGCONT)
    frozen.wait_for(r"was given up by others|were refused")
    frozen.wait_for(rf"worker (?!{frozen_id}\b)\d+ goes on")
    after = await app.job(job.id)
    assert (after.worker_id, after.attempt, after.finished_at) == (ended.worker_id, 2, ended.finished_at)
    assert ended.worker_id != frozen_id
    again = await app.enqueue_many([scripted.count.job(n) for n in range(50)])
    await all_done(db, 51)
    assert len(again) == 50
    assert other.is_alive
    assert frozen.is_alive


async def test_workers_ride_through_a_crash_of_postgres(
    private_server: PrivateServer, start_worker: StartWorker, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that run while the server crashes and comes back go on, and are recorded once, in their first attempt."""
    monkeypatch.setenv("DIBS_DATABASE_URL", private_server.url)
    app = scripted.app
    await app.migrate()
    worker = start_worker("--queues=default:3", url=private_server.url)
    jobs = await app.enqueue_many([scripted.pass_gate_in_thread.job(gate=str(gate)) for _ in range(3)])
    for job in jobs:
        await in_state(app, job.id, JobState.RUNNING)
    await app.close()
    private_server.stop("immediate")
    worker.wait_for("no connection to Postgres")
    private_server.start()
    gate.touch()
    for job in jobs:
        assert (await in_state(app, job.id, JobState.SUCCEEDED)).attempt == 1
    more = await app.enqueue_many([scripted.noop.job(n) for n in range(200)])
    db = await asyncpg.connect(private_server.url)
    await all_done(db, 203)
    await assert_conserved(db)
    await db.close()
    await app.close()
    assert (len(more), worker.is_alive) == (200, True)


async def test_connections_cut_again_and_again_lose_no_job_and_no_worker(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    """Backends of the workers are terminated in the middle of whatever they do, each time some jobs have ended."""
    workers = [start_worker("--queues=default:10") for _ in range(2)]
    ended = 0
    for _ in range(15):
        await app.enqueue_many([scripted.noop.job(n) for n in range(500)])
        await eventually(lambda: _more_than(db, ended), within=40)  # noqa: B023 - awaited in this very round
        ended = await db.fetchval("select count(*) from dibs.done")
        await db.execute(
            """select pg_terminate_backend(pid) from (
                 select pid from pg_stat_activity
                 where datname = current_database() and application_name in ('dibs worker', 'dibs liveness')
                 order by random() limit 2) b"""
        )
    await all_done(db, 7_500, within=60)
    await eventually(lambda: db.fetchval("select count(*) = 0 from dibs.lease"))
    assert await db.fetchval("select count(*) from dibs.done where outcome = 's'") == 7_500
    assert all(worker.is_alive for worker in workers)


async def _more_than(db: asyncpg.Connection, ended: int) -> bool:
    return await db.fetchval("select count(*) from dibs.done") > ended


async def test_a_claim_that_was_committed_after_its_worker_gave_it_up_is_handed_back(
    app: Dibs, db: asyncpg.Connection, start_worker: StartWorker
) -> None:
    """What a lost answer leaves behind: a lease of a living worker, under a token that it never heard of.

    It looks for them twice a minute; here it does so each second, which is all that is different.
    """
    assert SWEEP_SECONDS <= 30
    worker = start_worker("--queues=default:1", change="import dibs.worker.worker as w; w.SWEEP_SECONDS = 1.0")
    worker_id = int(worker.wait_for(READY)[1])
    job = await scripted.noop.options(queue="elsewhere").enqueue(1)
    async with db.transaction():
        await db.execute("delete from dibs.ready where job_id = $1", job.id)
        await db.execute(
            """insert into dibs.lease (job_id, token, worker_id, leased_at, attempt, lost)
               values ($1, nextval('dibs.lease_token'), $2, dibs.clock(), 1, 0)""",
            job.id,
            worker_id,
        )
    left = await in_state(app, job.id, JobState.READY)
    assert left.attempt == 0
