"""Fill the server's disk, and make room again."""

import asyncio
import random

from chaos.notes import now
from chaos.strikes.site import Site


async def strike(site: Site, chance: random.Random) -> None:
    """No room for some seconds. Statements fail; where the log can not grow, the server ends by itself."""
    if site.volume is None:
        raise RuntimeError("the server has no volume of its own; this strike should not have been scheduled")
    async with site.server.turn:
        since = now()
        try:
            taken = await asyncio.to_thread(site.volume.fill)
            await asyncio.sleep(chance.uniform(1.0, 3.0))
        finally:
            site.volume.empty()
        await asyncio.to_thread(site.server.start)
        site.note("disk", since, how=f"{taken / 2**20:,.0f} MiB taken")
