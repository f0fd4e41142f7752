"""`dibs worker`."""

import sys
from typing import Any

import click

from dibs.cli.once import Once
from dibs.cli.target import ConfigurationError, Target, pass_target


@click.command(cls=Once)
@click.argument("app", metavar="MODULE:APP")
@click.option("--queues", default="default:10", show_default=True, metavar="QUEUE:SLOTS,...",
              help="Queues, and how many jobs of each run at the same time in each process.")  # fmt: skip
@click.option("--processes", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
@click.option("--shutdown", type=float, default=30.0, show_default=True, metavar="SECONDS",
              help="How long running jobs may go on after the first signal to stop.")  # fmt: skip
@click.option("--timeout", type=float, default=30.0, show_default=True, metavar="SECONDS",
              help="Without a heartbeat for so long, others take this worker for lost.")  # fmt: skip
@click.option("--alarm", type=click.IntRange(0), default=30, show_default=True, metavar="NUMBER",
              help="More failed attempts within a minute raise an alarm in the log.")  # fmt: skip
@click.option("--exit-when-stuck", type=float, metavar="SECONDS",
              help="End with 1 when no job could be claimed and no ending recorded for so long, for a supervisor to "
              "start another. Default: try for ever.")  # fmt: skip
@click.option("--health", metavar="[HOST:]PORT",
              help="Answer GET /health there: 200, or 503 and what is wrong. For one process.")  # fmt: skip
@click.option("--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True,
              help="Lines for people, or one JSON object a line.")  # fmt: skip
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info",
              show_default=True, help="The least that is logged.")  # fmt: skip
@pass_target
def worker(target: Target, /, *, app: str, processes: int, log_format: str, log_level: str, **settings: Any) -> None:
    """Run jobs of the tasks of MODULE:APP, until SIGTERM or Ctrl-C.

    The app says which database and schema. The first signal lets running jobs come to their end and hands back what
    has not begun; a second one stops at once. Exit codes: 0 stopped gracefully, 1 cut short, or stuck for too long,
    2 could not start.
    """
    if target != Target(None, "dibs"):
        raise click.UsageError("a worker's database and schema are those of its app: Dibs(dsn, schema=...)")
    from dibs.cli.working import supervise, work
    from dibs.domain.errors import DibsError
    from dibs.worker import logs

    logs.set_up(as_json=log_format == "json", level=log_level)
    try:
        if processes == 1:
            code = work(app, **settings)
        else:
            code = supervise(app, processes, [f"--log-format={log_format}", f"--log-level={log_level}"], **settings)
    except DibsError as error:
        raise ConfigurationError(str(error)) from error
    sys.exit(code)
