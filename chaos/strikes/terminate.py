"""Cut connections in the middle of whatever they do."""

import asyncio
import random

from chaos.notes import now
from chaos.strikes.site import Site

CONNECTIONS = "select pid from pg_stat_activity where application_name like 'dibs%' order by pid"
TERMINATE = "select pg_terminate_backend(pid) from unnest($1::int[]) as p(pid)"


async def strike(site: Site, chance: random.Random) -> None:
    """Terminate some backends of workers, tasks and producers, several times in a row."""
    since = now()
    cut = 0
    for _ in range(chance.randint(3, 8)):
        open_now = [row[0] for row in await site.server.ask(CONNECTIONS)]
        chosen = chance.sample(open_now, min(len(open_now), chance.randint(1, 4)))
        await site.server.ask(TERMINATE, chosen)
        cut += len(chosen)
        await asyncio.sleep(chance.uniform(0.05, 0.3))
    site.note("terminate", since, how=f"{cut} connections")
