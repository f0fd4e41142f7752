"""What `dibs status` does."""

import asyncio
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from dibs.cli.database import session
from dibs.cli.target import Target
from dibs.cli.words import some
from dibs.domain.status import Status
from dibs.engine.inspect import status


async def look_once(target: Target, *, as_json: bool) -> Sequence[str]:
    """Show the status, and give what is wrong with it."""
    async with session(target) as looking:
        found = await looking.run(status())
    if as_json:
        click.echo(_json(found, target.schema))
    else:
        from dibs.cli import tables

        console = tables.console()
        console.print(tables.status(found, problems(found)))
    return problems(found)


async def watch(target: Target, interval: float, *, as_json: bool) -> None:
    """Show the status again and again, in place on a terminal."""
    async with session(target) as looking:
        if as_json:
            while True:
                click.echo(_json(await looking.run(status()), target.schema))
                await asyncio.sleep(interval)
        from rich.live import Live

        from dibs.cli import tables

        found = await looking.run(status())
        with Live(tables.status(found, problems(found)), console=tables.console(), auto_refresh=False) as live:
            while True:
                await asyncio.sleep(interval)
                found = await looking.run(status())
                live.update(tables.status(found, problems(found)), refresh=True)


def problems(found: Status) -> list[str]:
    """What an operator should be woken for; empty when all is well."""
    live = [worker for worker in found.workers if worker.is_alive]
    served = {queue for worker in live for queue in worker.queues}
    wrong = []
    for queue in found.queues:
        if queue.ready and queue.name not in served:
            wrong.append(f"queue {queue.name}: {some(queue.ready, 'ready job')}, and no live worker serves it")
        if queue.running and not live:
            were = some(queue.running, "running job")
            wrong.append(f"queue {queue.name}: {were}, and no live worker to rescue them")
    wrong += [
        f"worker {worker.id} on {worker.hostname}: no heartbeat for {worker.heartbeat_seconds:.0f} s"
        for worker in found.workers
        if not worker.is_alive
    ]
    return wrong


def _json(found: Status, schema: str) -> str:
    workers: list[dict[str, Any]] = [
        {**msgspec.to_builtins(worker), "is_alive": worker.is_alive} for worker in found.workers
    ]
    return msgspec.json.encode(
        {
            "schema": schema,
            "queues": [msgspec.to_builtins(queue) for queue in found.queues],
            "workers": workers,
            "problems": problems(found),
        }
    ).decode()
