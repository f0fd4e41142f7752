"""What a run waits for."""

import asyncio
from time import monotonic
from typing import Final

import click

from chaos.server import Asked
from chaos.tables import waiting

START_SECONDS_MAX: Final = 60.0
LOOK_SECONDS: Final = 0.2
SAY_SECONDS: Final = 10.0


async def all_there(server: Asked, workers: int) -> None:
    """Wait until all workers have begun: strikes before that would hit nothing."""
    there = "select count(*) >= $1 from dibs.worker where locked"
    async with asyncio.timeout(START_SECONDS_MAX):
        while not (await server.ask(there, workers))[0][0]:  # noqa: ASYNC110 - a row that appears sends no event
            await asyncio.sleep(LOOK_SECONDS)


async def begun(server: Asked) -> None:
    """Wait until the first job has been sent: a producer that finds no server at its start gives up."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while not (await server.ask("select exists (select from dibs.job)"))[0][0]:  # noqa: ASYNC110 - as above
            await asyncio.sleep(LOOK_SECONDS)


async def drained(server: Asked, seconds: float) -> None:
    """Wait until no job waits or runs, or until none has ended for so long."""
    ended_before, until = -1, monotonic() + seconds
    while True:
        left, ended = await waiting(server)
        if ended != ended_before:
            ended_before, until = ended, monotonic() + seconds
        if not left or monotonic() > until:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def say(server: Asked) -> None:
    """Tell now and then how far it has come."""
    began = monotonic()
    while True:
        left, ended = await waiting(server)
        click.echo(f"{monotonic() - began:6.0f} s  {ended:,} jobs ended, {left:,} wait or run", err=True)
        await asyncio.sleep(SAY_SECONDS)
