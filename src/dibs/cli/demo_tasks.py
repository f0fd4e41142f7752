"""The app of `dibs demo`: small jobs, some of which fail at first, and a few for ever."""

import asyncio
import os

from dibs import Dibs, PermanentError, Retry, current_job
from dibs.cli.demo import SCHEMA_VARIABLE

FLAKY_EVERY = 10
BROKEN_EVERY = 100

app = Dibs(schema=os.environ.get(SCHEMA_VARIABLE, "dibs_demo"))


@app.task(queue="demo", retry=Retry(delays=[0.2, 0.5], jitter=0.5))
async def visit(number: int) -> None:
    """Take a few milliseconds, as a request to some service would."""
    await asyncio.sleep(0.005 + number % 7 * 0.002)
    if number % BROKEN_EVERY == 0:
        raise PermanentError(f"page {number} does not exist, and never will")
    if number % FLAKY_EVERY == 0 and current_job().attempt == 1:
        raise ConnectionError(f"page {number} did not answer")
