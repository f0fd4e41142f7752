"""Workers come, say that they live, fall silent and go, while time passes."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from dibs.engine.liveness import deregister, heartbeat, set_asleep
from stateful.base import QUEUES, Base, queues, workers
from stateful.model import Ready, Running, Scheduled, Worker

GRACE = timedelta(minutes=30)
timeouts = st.sampled_from([1, 3, 12]).map(lambda n: timedelta(hours=n))
# A night, and more than a week: long enough for what has ended to be pruned.
passing = st.sampled_from([1, 2, 4, 4, 12, 200]).map(lambda n: timedelta(hours=n))


class Living(Base):
    """Rules about workers and time."""

    @initialize(target=workers)
    def begin_with_a_worker(self) -> int:
        """A history without one is a short one."""
        return self._register(frozenset(QUEUES), timedelta(hours=3), has_lock=True)

    @rule(passed=passing)
    def time_passes(self, passed: timedelta) -> None:
        self.model.now += passed
        self.set_clock()

    # Most of what is done for all, such as rescues, is done because of time.
    time_goes_on = time_passes

    @rule(target=workers, served=st.frozensets(queues, min_size=1), timeout=timeouts, has_lock=st.booleans())
    def register(self, served: frozenset[str], timeout: timedelta, *, has_lock: bool) -> int:
        return self._register(served, timeout, has_lock=has_lock)

    # Some are to stay.
    @precondition(lambda self: len(self.model.workers) > 1)
    @rule(worker=workers, politely=st.booleans())
    def go(self, worker: int, *, politely: bool) -> None:
        """A worker says goodbye; or its lock is free, because its process is killed, or its connection is cut."""
        if politely:
            self.run(deregister(worker))
            self.model.workers.pop(worker, None)
            return
        known = self.model.workers.get(worker)
        if known is not None and known.holds_lock:
            self.world.let_go(worker)
            known.holds_lock = False

    @rule(worker=workers, asleep=st.booleans())
    def beat(self, worker: int, *, asleep: bool) -> None:
        known = self.model.workers.get(worker)
        self.run(set_asleep(worker, asleep=asleep))
        holds_lock = known is not None and known.holds_lock
        heard = self.run(heartbeat(worker, holds_lock=holds_lock, grace_seconds=GRACE.total_seconds()))
        assert (heard is None) == (known is None), "a worker that has been given up hears nothing"
        if heard is None or known is None:
            self.saw("heartbeat of a worker that is gone")
            return
        known.heartbeat_at, known.locked, known.asleep = self.model.now, holds_lock, asleep
        mine = {job.id for job, lease in self.model.standing(Running) if lease.worker == worker}
        assert {*heard.cancelled} == mine & self.model.wishes
        assert heard.at == self.model.now
        waits = [(place.run_at - self.model.now).total_seconds() for _, place in self.model.standing(Scheduled)]
        assert heard.next_due_seconds == min(waits, default=None)
        has_jobs = any(job.queue in known.queues for job, _ in self.model.standing(Ready))
        assert heard.has_waiting_jobs == (known.asleep and has_jobs)
        counts_to_fold = self.world.wait(self.engine.count("batch_delta"))
        assert heard.is_untidy == bool(counts_to_fold or self.model.wishes)

    def _register(self, served: frozenset[str], timeout: timedelta, *, has_lock: bool) -> int:
        registered = self.engine.register(*sorted(served), timeout_seconds=timeout.total_seconds())
        worker = self.world.wait(registered)
        if has_lock:
            self.world.hold(worker)
        assert worker not in self.model.workers
        self.model.workers[worker] = Worker(served, timeout, self.model.now, holds_lock=has_lock)
        return worker
