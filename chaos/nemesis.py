"""The nemesis: carries out the strikes of a schedule."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Final

from chaos.schedule import Strike
from chaos.strikes import crash, disk, exhaust, hang_up, kill, partition, stop, terminate
from chaos.strikes.site import Nemesis, Site

NEMESES: Final[Mapping[str, Nemesis]] = {
    "kill": kill.strike,
    "stop": stop.strike,
    "terminate": terminate.strike,
    "crash": crash.strike,
    "partition": partition.strike,
    "hang_up": hang_up.strike,
    "exhaust": exhaust.strike,
    "disk": disk.strike,
}

NEEDS_VOLUME: Final = "disk"
"""It fills the volume that the server's data are on."""

NO_VOLUME: Final = "a small volume could not be mounted here: that takes root's rights"

LEFT_OUT: Final[dict[str, str]] = {
    "clock": "a worker's wall clock can not be moved without a library such as libfaketime",
}
"""What no run does, and why; it is said in every verdict."""


async def rage(site: Site, strikes: Sequence[Strike]) -> None:
    """Strike by the schedule; returns when the last strike is over. Strikes do not wait for each other."""
    began = monotonic()
    async with asyncio.TaskGroup() as group:
        for strike in strikes:
            await asyncio.sleep(max(began + strike.at_seconds - monotonic(), 0.0))
            chance = random.Random(strike.seed)  # noqa: S311 - to be repeated, not to be secret
            group.create_task(NEMESES[strike.name](site, chance))
