"""`dibs health`: do the workers of this machine live?"""

import socket

import click

from dibs.cli.once import Once
from dibs.cli.target import Target, UnfulfilledError, pass_target


@click.command(cls=Once)
@click.option("--host", metavar="NAME",
              help="The machine whose workers are meant, by the name it gives itself. Default: this one.")  # fmt: skip
@click.option("--queue", metavar="NAME", help="Only workers that serve this queue.")
@pass_target
def health(target: Target, *, host: str | None, queue: str | None) -> None:
    """Exit with 0 if a worker of this machine lives: its heartbeats reach the database.

    For probes of containers and supervisors; it costs one statement. Exit codes: 0 one lives, 1 none does, 2 the
    database could not be asked.
    """
    from dibs.cli.database import run
    from dibs.cli.looking import live_workers

    host = host or socket.gethostname()
    found = run(live_workers(target, host, queue))
    if not found:
        served = "" if queue is None else f" that serves queue {queue}"
        raise UnfulfilledError(f"no live worker of {host}{served}")
    for worker in found:
        click.echo(f"worker {worker.id}, pid {worker.pid}: heartbeat {worker.heartbeat_seconds:.1f} s ago")
