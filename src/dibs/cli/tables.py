"""Tables for people. Only what prints one imports this, since rich takes its time."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from dibs.cli.words import age, count, plain
from dibs.domain.job import Job
from dibs.domain.state import JobState
from dibs.domain.status import QueueStatus, Status, WorkerStatus

_COLOURS = {JobState.FAILED: "red", JobState.RUNNING: "cyan", JobState.SUCCEEDED: "green", JobState.CANCELLED: "yellow"}
_PIPE_WIDTH = 400
"""Columns where no terminal sets a limit: a name that is cut short can not be searched for."""


def console() -> Console:
    """Where tables go: as wide as the terminal, and in a pipe as wide as it takes."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, markup=False, emoji=False)


def status(found: Status, problems: Sequence[str]) -> RenderableType:
    """Queues, workers, and what is wrong."""
    parts: list[RenderableType] = [_queues(found.queues), Text(), _workers(found.workers)]
    if problems:
        parts += [Text(), *(Text(f"! {problem}", style="yellow") for problem in problems)]
    return Group(*parts)


def jobs(found: Sequence[Job], now: datetime) -> Table:
    """Jobs, one in a line."""
    table = _table("id", "state", "queue", "task", "attempt", "enqueued", "what of it", right={"id", "attempt"})
    for job in found:
        state = Text(str(job.state), style=_COLOURS.get(job.state, ""))
        attempt = f"{job.attempt}/{job.max_attempts}"
        enqueued = f"{age((now - job.enqueued_at).total_seconds())} ago"
        table.add_row(str(job.id), state, job.queue, plain(job.task), attempt, enqueued, _remark(job, now))
    return table


def _remark(job: Job, now: datetime) -> Text:
    if job.state is JobState.SCHEDULED and job.run_at is not None:
        left = (job.run_at - now).total_seconds()
        due = f"due in {age(left)}" if left > 0 else "due now"
        return Text(plain(f"{job.reason}, {due}" + (f"; {job.error}" if job.error else "")), no_wrap=True)
    if job.state is JobState.RUNNING and job.progress is not None:
        return Text(
            count(job.progress.completed, job.progress.total) + plain(f" {job.progress.message or ''}"), no_wrap=True
        )
    if job.state is JobState.SUCCEEDED:  # it has made up for the errors before; `dibs jobs show` tells them
        return Text()
    return Text(plain(job.error or ""), no_wrap=True, overflow="ellipsis")


def _queues(queues: Iterable[QueueStatus]) -> RenderableType:
    table = _table("queue", "ready", "scheduled", "running", "failed", "oldest ready",
                   right={"ready", "scheduled", "running", "failed", "oldest ready"})  # fmt: skip
    for queue in queues:
        oldest = "" if queue.oldest_seconds is None else age(queue.oldest_seconds)
        numbers = (queue.ready, queue.scheduled, queue.running, queue.failed)
        table.add_row(queue.name, *(f"{number:,}" for number in numbers), oldest)
    return table if table.row_count else Text("No queues yet: they come with their first job.")


def _workers(workers: Iterable[WorkerStatus]) -> RenderableType:
    table = _table("worker", "host", "pid", "queues", "slots", "running", "up for", "heartbeat",
                   right={"worker", "pid", "slots", "running"})  # fmt: skip
    for worker in workers:
        beat = Text(f"{age(worker.heartbeat_seconds)} ago", style="" if worker.is_alive else "red")
        up = age((datetime.now(worker.started_at.tzinfo) - worker.started_at).total_seconds())
        queues = ", ".join(worker.queues)
        numbers = (str(worker.slots), str(worker.running))
        table.add_row(str(worker.id), plain(worker.hostname), str(worker.pid), queues, *numbers, up, beat)
    return table if table.row_count else Text("No workers.")


def _table(*columns: str, right: set[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table
