"""Kill a worker, as the kernel does when memory runs out, and start another."""

import random

from chaos.notes import now
from chaos.strikes.site import Site


async def strike(site: Site, chance: random.Random) -> None:
    """SIGKILL; the next worker on the seat begins at once."""
    async with site.crew.victim(chance) as seat:
        since, pid = now(), seat.pid
        await seat.kill()
        site.note("kill", since, pid)
        await seat.start()
