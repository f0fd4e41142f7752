"""What `dibs worker` does."""

import asyncio
from collections.abc import Sequence
from typing import TypedDict, Unpack

from dibs.cli.loading import load_app
from dibs.domain.errors import ConfigError
from dibs.worker.config import WorkerConfig, parse_address, parse_queues
from dibs.worker.process import run_worker
from dibs.worker.supervisor import Supervisor, worker_command


class Settings(TypedDict):
    """Of a worker, as they are given on the command line."""

    queues: str
    shutdown: float
    timeout: float
    alarm: int
    exit_when_stuck: float | None
    health: str | None


def work(app: str, **settings: Unpack[Settings]) -> int:
    """Be a worker process; gives the exit code."""
    config = _config(settings)
    loaded = load_app(app)
    try:
        if loaded.database.is_embedded:
            asyncio.run(loaded.migrate())
        return run_worker(loaded.workplace(), config)
    finally:
        loaded.database.release()


def supervise(app: str, processes: int, options: Sequence[str], **settings: Unpack[Settings]) -> int:
    """Start worker processes and keep them running; gives the exit code.

    Raises:
        ConfigError: A setting that can not work.
    """
    if settings["health"] is not None:
        raise ConfigError(
            "--health is for one process: two can not listen at the same port. Start several workers, or look from "
            "outside, with `dibs health`"
        )
    _config(settings)  # what can not work is said once, not by each process
    load_app(app)
    given = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items() if value is not None]
    return Supervisor(worker_command([app, *given, *options]), processes).run()


def _config(settings: Settings) -> WorkerConfig:
    return WorkerConfig(
        queues=parse_queues(settings["queues"]),
        shutdown_seconds=settings["shutdown"],
        timeout_seconds=settings["timeout"],
        alarm_errors=settings["alarm"],
        exit_when_stuck_seconds=settings["exit_when_stuck"],
        health_address=None if settings["health"] is None else parse_address(settings["health"]),
    )
