"""Hang up on the producers, so that answers to what was committed never come."""

import asyncio
import random

from chaos.notes import now
from chaos.strikes.site import Site


async def strike(site: Site, chance: random.Random) -> None:
    """Cut their way to the server while statements are under way, and break it, several times in a row."""
    since = now()
    for _ in range(chance.randint(3, 8)):
        site.door.cut()
        await asyncio.sleep(chance.uniform(0.02, 0.1))  # what is under way comes to its end on the server
        site.door.reset()
        await asyncio.sleep(chance.uniform(0.2, 0.6))
    site.note("hang_up", since)
