"""`dibs worker`."""

import asyncio
import sys

import click

from dibs.cli.loading import load_app
from dibs.domain.errors import ConfigError, SchemaError
from dibs.worker import logs
from dibs.worker.config import WorkerConfig, parse_queues
from dibs.worker.process import run_worker
from dibs.worker.supervisor import CONFIGURATION_EXIT, Supervisor, worker_command


@click.command()
@click.argument("app", metavar="MODULE:APP")
@click.option("--queues", default="default:10", show_default=True, help="Queues and their slots in each process.")
@click.option("--processes", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
@click.option("--shutdown", type=float, default=30.0, show_default=True, help="Seconds for running jobs at a stop.")
@click.option("--timeout", type=float, default=30.0, show_default=True, help="Seconds without a heartbeat until lost.")
@click.option("--alarm", type=int, default=30, show_default=True, help="Failed attempts a minute that raise an alarm.")
@click.option("--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info",
              show_default=True)  # fmt: skip
def worker(
    app: str,
    queues: str,
    processes: int,
    shutdown: float,
    timeout: float,
    alarm: int,
    log_format: str,
    log_level: str,
) -> None:
    """Run jobs of the tasks of MODULE:APP, until SIGTERM or Ctrl-C.

    The first signal lets running jobs come to their end and hands back what has not begun; a second one stops at once.
    Exit codes: 0 stopped gracefully, 1 cut short, 2 could not start.
    """
    logs.set_up(as_json=log_format == "json", level=log_level)
    try:
        config = WorkerConfig(
            queues=parse_queues(queues),
            shutdown_seconds=shutdown,
            timeout_seconds=timeout,
            alarm_errors=alarm,
        )
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if processes > 1:
        options = [f"--queues={queues}", f"--shutdown={shutdown}", f"--timeout={timeout}", f"--alarm={alarm}"]
        options += [f"--log-format={log_format}", f"--log-level={log_level}"]
        load_app(app)  # what can not be imported is said once, not by each process
        sys.exit(Supervisor(worker_command([app, *options]), processes).run())
    loaded = load_app(app)
    if loaded.database.is_embedded:
        asyncio.run(loaded.migrate())
    try:
        code = run_worker(loaded.workplace(), config)
    except SchemaError as error:
        click.echo(f"Error: {error}", err=True)
        code = CONFIGURATION_EXIT
    loaded.database.release()
    sys.exit(code)
