"""Workers: what a heartbeat brings back, and what people see of them."""

from dibs.engine.inspect import status
from dibs.engine.liveness import Heartbeat, deregister, heartbeat, set_asleep
from support.engine import FAILED, Engine, new_job


async def beat(engine: Engine, worker: int) -> Heartbeat:
    found = await engine.run(heartbeat(worker, holds_lock=False, grace_seconds=2.5))
    assert found is not None
    return found


async def test_an_idle_system_has_nothing_to_tell(engine: Engine):
    answer = await beat(engine, await engine.register())
    assert (answer.next_due_seconds, answer.has_waiting_jobs, answer.has_suspects) == (None, False, False)
    assert list(answer.cancelled) == []


async def test_a_heartbeat_is_noted_by_the_databases_clock(engine: Engine):
    worker = await engine.register()
    await engine.move_clock("1 hour")
    await engine.run(heartbeat(worker, holds_lock=True, grace_seconds=1))
    (row,) = await engine.connection.fetch("select locked, dibs.clock() - heartbeat_at < '30 s' from dibs.worker")
    assert tuple(row) == (True, True)


async def test_a_worker_that_was_given_up_hears_nothing(engine: Engine):
    worker = await engine.register()
    await engine.run(deregister(worker))
    assert await engine.run(heartbeat(worker, holds_lock=False, grace_seconds=1)) is None
    await engine.run(deregister(worker))
    assert await engine.register() > worker, "an id is never used again"


async def test_the_next_due_job_is_told(engine: Engine):
    worker = await engine.register()
    await engine.enqueue(new_job(delay_seconds=60), new_job(delay_seconds=20))
    due = (await beat(engine, worker)).next_due_seconds
    assert due is not None
    assert 5 < due <= 20
    await engine.move_clock("1 minute")
    due = (await beat(engine, worker)).next_due_seconds
    assert due is not None
    assert -60 < due < -30


async def test_waiting_jobs_are_told_to_a_worker_that_sleeps_on_their_queue(engine: Engine):
    worker, stranger = await engine.register("mail"), await engine.register("other")
    await engine.enqueue(new_job("mail"))
    for each in (worker, stranger):
        assert not (await beat(engine, each)).has_waiting_jobs, "awake, it looks by itself"
        await engine.run(set_asleep(each, asleep=True))
    assert (await beat(engine, worker)).has_waiting_jobs
    assert not (await beat(engine, stranger)).has_waiting_jobs
    await engine.run(set_asleep(worker, asleep=False))
    assert not (await beat(engine, worker)).has_waiting_jobs


async def test_the_status_shows_queues_and_workers(engine: Engine):
    await engine.enqueue(*[new_job("mail")] * 3, new_job("mail", delay_seconds=60), new_job("other"))
    worker = await engine.register("mail", "other")
    await engine.finish(await engine.claim_one(worker, "mail"), outcome=FAILED)
    await engine.claim_one(worker, "mail")
    await engine.connection.execute("update dibs.job set enqueued_at = enqueued_at - interval '1 minute'")
    seen = await engine.run(status())
    mail, other = seen.queues
    assert (mail.name, mail.ready, mail.scheduled, mail.running, mail.failed) == ("mail", 1, 1, 1, 1)
    assert (other.name, other.ready, other.scheduled, other.running, other.failed) == ("other", 1, 0, 0, 0)
    assert mail.oldest_seconds is not None
    assert 60 <= mail.oldest_seconds < 120
    (shown,) = seen.workers
    assert (shown.id, shown.hostname, shown.pid, shown.queues) == (worker, "host", 4711, ("mail", "other"))
    assert (shown.slots, shown.running) == (10, 1)
    assert 0 <= shown.heartbeat_seconds < 60
