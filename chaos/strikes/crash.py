"""Crash Postgres, and start it again."""

import asyncio
import random

from chaos.notes import now
from chaos.strikes.site import Site


async def strike(site: Site, chance: random.Random) -> None:
    """An immediate shutdown, a while without a server, and a recovery."""
    async with site.server.turn:
        since = now()
        await asyncio.to_thread(site.server.crash)
        await asyncio.sleep(chance.uniform(0.1, 2.0))
        await asyncio.to_thread(site.server.start)
        site.note("crash", since)
