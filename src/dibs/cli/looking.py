"""What `dibs jobs list`, `dibs jobs show` and `dibs health` do."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click
import msgspec

from dibs.cli.database import session
from dibs.cli.target import Target
from dibs.cli.words import age, count, plain
from dibs.domain.job import Job
from dibs.domain.sealing import is_sealed
from dibs.domain.state import JobState
from dibs.domain.status import WorkerStatus
from dibs.engine.inspect import JobFilter, get_jobs, list_jobs, list_workers

_MOMENT = "%Y-%m-%d %H:%M:%S %Z"


async def show_list(
    target: Target,
    limit: int,
    *,
    state: str | None,
    queue: str | None,
    task: str | None,
    batch: int | None,
    before: int | None,
    as_json: bool,
) -> None:
    """Print the jobs that fit."""
    wanted = JobFilter(
        state=None if state is None else JobState(state), queue=queue, task=task, batch_id=batch, before_id=before
    )
    async with session(target) as looking:
        found = await looking.run(list_jobs(wanted, limit))
    if as_json:
        for job in found:
            click.echo(msgspec.json.encode(job))
    elif not found:
        click.echo("No job fits.")
    else:
        from dibs.cli import tables

        tables.console().print(tables.jobs(found, datetime.now(UTC)))
        if len(found) == limit:
            click.echo(f"There may be more: --before {found[-1].id}", err=True)


async def show_job(target: Target, job_id: int, *, as_json: bool) -> bool:
    """Print the job; False when there is none."""
    async with session(target) as looking:
        found = await looking.run(get_jobs([job_id]))
        workers = await looking.run(list_workers()) if found else ()
    if not found:
        return False
    [job] = found
    if as_json:
        click.echo(msgspec.json.encode(job))
    else:
        for name, value in _facts(job, workers):
            click.echo(f"{name + ':':<12} {plain(value)}")
        if job.traceback:
            click.echo(f"\n{plain(job.traceback).rstrip()}")
    return True


async def live_workers(target: Target, host: str, queue: str | None) -> list[WorkerStatus]:
    """The workers of a machine whose heartbeats get through; of these, those that serve the queue, if one is named."""
    async with session(target) as looking:
        found = await looking.run(list_workers())
    return [
        worker
        for worker in found
        if worker.is_alive and worker.hostname == host and (queue is None or queue in worker.queues)
    ]


def standing(job: Job, workers: Sequence[WorkerStatus], now: datetime) -> str:
    """Where the job stands, and what it waits for."""
    live = [worker for worker in workers if worker.is_alive]
    match job.state:
        case JobState.READY:
            if any(job.queue in worker.queues for worker in live):
                return "ready: in line, waits for a free slot"
            return f"ready: waits for a worker; no live one serves queue {job.queue}"
        case JobState.SCHEDULED:
            return _waits(job, now, is_anyone_there=bool(live))
        case JobState.RUNNING:
            where = next((f" ({w.hostname}, pid {w.pid})" for w in workers if w.id == job.worker_id), ", which is gone")
            return f"running on worker {job.worker_id}{where}, claimed {_since(job.started_at, now)}"
        case _:
            took = ""
            if job.started_at and job.finished_at:
                took = f", attempt {job.attempt} took {age((job.finished_at - job.started_at).total_seconds())}"
            return f"{job.state} {_moment(job.finished_at)}{took}"


def _waits(job: Job, now: datetime, *, is_anyone_there: bool) -> str:
    reason = {
        "delay": "its time has not come",
        "retry": f"waits for attempt {job.attempt + 1} of {job.max_attempts}",
        "snooze": "its task put it off",
        "suspect": "was lost with its worker before, and waits until another such job has ended",
        "unknown task": f"no worker so far knows task {job.task}; a newer one may",
    }.get(job.reason or "", job.reason)
    left = (job.run_at - now).total_seconds() if job.run_at else 0.0
    if left > 0:
        return f"scheduled: {reason}; due in {age(left)}, {_moment(job.run_at)}"
    rest = "a worker will put it in line in a moment" if is_anyone_there else "no worker lives to put it in line"
    return f"scheduled: {reason}; due now, {rest}"


def _facts(job: Job, workers: Sequence[WorkerStatus]) -> Iterator[tuple[str, str]]:
    now = datetime.now(UTC)
    yield "job", str(job.id)
    yield "task", job.task
    yield "queue", f"{job.queue}, priority {job.priority}"
    yield "state", standing(job, workers, now)
    yield "attempts", f"{job.attempt} of {job.max_attempts}"
    yield "enqueued", f"{_moment(job.enqueued_at)}, {_since(job.enqueued_at, now)}"
    if job.batch_id is not None:
        yield "batch", str(job.batch_id)
    if job.tags:
        yield "tags", ", ".join(job.tags)
    yield "arguments", "encrypted" if is_sealed(job.args) else msgspec.json.encode(job.args).decode()
    if job.progress is not None:
        said = f", {job.progress.message}" if job.progress.message else ""
        yield "progress", count(job.progress.completed, job.progress.total) + said
    if job.error is not None:
        yield "last error", job.error


def _moment(moment: datetime | None) -> str:
    return moment.astimezone().strftime(_MOMENT) if moment else ""


def _since(moment: datetime | None, now: datetime) -> str:
    return f"{age((now - moment).total_seconds())} ago" if moment else ""
