"""The app whose jobs the workers of a long run work off."""

import asyncio

from dibs import Dibs

app = Dibs()


@app.task()
async def step(number: int) -> None:
    """Nothing at all."""


@app.task()
async def linger(number: int) -> None:  # noqa: ARG001
    """Run long enough to be met by a stop."""
    await asyncio.sleep(0.2)
