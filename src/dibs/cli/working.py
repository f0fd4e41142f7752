"""What `dibs worker` does."""

import asyncio
from collections.abc import Sequence

from dibs.cli.loading import load_app
from dibs.worker.config import WorkerConfig, parse_queues
from dibs.worker.process import run_worker
from dibs.worker.supervisor import Supervisor, worker_command


def work(app: str, *, queues: str, shutdown: float, timeout: float, alarm: int) -> int:
    """Be a worker process; gives the exit code."""
    config = _config(queues=queues, shutdown=shutdown, timeout=timeout, alarm=alarm)
    loaded = load_app(app)
    try:
        if loaded.database.is_embedded:
            asyncio.run(loaded.migrate())
        return run_worker(loaded.workplace(), config)
    finally:
        loaded.database.release()


def supervise(
    app: str, processes: int, options: Sequence[str], *, queues: str, shutdown: float, timeout: float, alarm: int
) -> int:
    """Start worker processes and keep them running; gives the exit code."""
    # What can not work is said once, not by each process.
    _config(queues=queues, shutdown=shutdown, timeout=timeout, alarm=alarm)
    load_app(app)
    settings = [f"--queues={queues}", f"--shutdown={shutdown}", f"--timeout={timeout}", f"--alarm={alarm}"]
    return Supervisor(worker_command([app, *settings, *options]), processes).run()


def _config(*, queues: str, shutdown: float, timeout: float, alarm: int) -> WorkerConfig:
    return WorkerConfig(
        queues=parse_queues(queues), shutdown_seconds=shutdown, timeout_seconds=timeout, alarm_errors=alarm
    )
