"""The app whose jobs leave their effects through dibs' own connections alone.

Worker processes of the tests import it.
So all that it does goes the way that the DSN says.
"""

import asyncio
from pathlib import Path

from dibs import Dibs, Retry, current_job

app = Dibs()
EFFECTS = "create table effect (job_id bigint, attempt int)"
WRITE = "insert into effect values ($1, $2)"


@app.task(retry=Retry(delays=[0.05], attempts=3, jitter=0))
async def count(number: int) -> None:
    """Leave an effect, with the app's pool."""
    job = current_job()
    async with app.connection() as connection:
        await connection.execute(WRITE, job.id, job.attempt)


@app.task()
async def transact(number: int) -> None:
    """Leave an effect that commits with the job's ending."""
    job = current_job()
    async with job.transaction() as connection:
        await connection.execute(WRITE, job.id, job.attempt)


@app.task()
def transact_in_thread(number: int) -> None:
    """The same in synchronous code."""
    job = current_job()
    with job.transaction() as connection:
        connection.execute("insert into effect values (%s, %s)", (job.id, job.attempt))


@app.task()
async def wait(gate: str) -> None:
    """Until the gate is open."""
    while not Path(gate).exists():
        await asyncio.sleep(0.01)
