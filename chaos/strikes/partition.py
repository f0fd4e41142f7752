"""Cut a worker off from the server, past its time-out."""

import asyncio
import random

from chaos.crew import TIMEOUT_SECONDS
from chaos.notes import now
from chaos.strikes.site import Site


async def strike(site: Site, chance: random.Random) -> None:
    """Nothing passes for a while; then all that was sent arrives late, or none of it ever does."""
    async with site.crew.victim(chance) as seat:
        since, pid = now(), seat.pid
        is_healed = chance.random() < 0.5  # noqa: PLR2004 - a coin
        seat.door.cut()
        try:
            await asyncio.sleep(TIMEOUT_SECONDS * chance.uniform(0.8, 1.8))
        finally:
            seat.door.heal() if is_healed else seat.door.reset()
        site.note("partition", since, pid, how="healed" if is_healed else "reset")
