"""Take all connections of the server for some seconds."""

import asyncio
import contextlib
import random
from time import monotonic

import asyncpg

from chaos.notes import now
from chaos.server import UNANSWERED
from chaos.strikes.site import Site
from chaos.strikes.terminate import CONNECTIONS, TERMINATE


async def strike(site: Site, chance: random.Random) -> None:
    """Open connections until there are none; cut some that others have, and take their places."""
    since = now()
    until = monotonic() + chance.uniform(1.5, 3.0)
    async with contextlib.AsyncExitStack() as stack:
        taken = await _take_all(site, stack)
        if taken:
            with contextlib.suppress(*UNANSWERED):  # the server may crash at the same time
                in_use = [row[0] for row in await taken[0].fetch(CONNECTIONS)]
                await taken[0].fetch(TERMINATE, chance.sample(in_use, len(in_use) // 3))
        while monotonic() < until:
            taken += await _take_all(site, stack)
            await asyncio.sleep(0.02)
    site.note("exhaust", since, how=f"{len(taken)} connections")


async def _take_all(site: Site, stack: contextlib.AsyncExitStack) -> "list[asyncpg.Connection[asyncpg.Record]]":
    """Open connections until the server has no more to give."""
    taken: list[asyncpg.Connection[asyncpg.Record]] = []
    with contextlib.suppress(*UNANSWERED):
        while True:
            taken.append(await site.server.connect())
            stack.callback(taken[-1].terminate)
    return taken
