"""The app whose tasks do what their arguments say. Worker processes of the tests import it.

Tasks write to the table `effect` what they did, so that a test can count; they wait for a file to appear, so that a
test decides when they go on.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg

from dibs import Dibs, PermanentError, Retry, Snooze, current_job
from support.pooler import direct

app = Dibs()
QUICK = Retry(delays=[0.05], attempts=3, jitter=0)


@app.resource
async def effects() -> AsyncIterator[asyncpg.Pool]:
    """Where effects are written: opened once for each worker process."""
    pool = await asyncpg.create_pool(direct(app.database_url), min_size=0, max_size=5)
    await pool.execute("create table if not exists effect (job_id bigint, attempt int, pid int, what text)")
    await _note(pool, 0, 0, "resource opened")
    yield pool
    await _note(pool, 0, 0, "resource closed")
    await pool.close()


async def _note(pool: asyncpg.Pool, job_id: int, attempt: int, what: str) -> None:
    await pool.execute("insert into effect values ($1, $2, $3, $4)", job_id, attempt, os.getpid(), what)


async def note(what: str) -> None:
    """Write an effect of the current job."""
    job = current_job()
    await _note(effects.get(), job.id, job.attempt, what)


async def opened(path: str) -> None:
    """Wait until the gate is open: until the file is there."""
    while not Path(path).exists():
        await asyncio.sleep(0.01)


@app.task(retry=QUICK)
async def count(number: int = 0) -> None:
    """Leave one effect."""
    await note(f"counted {number}")


@app.task()
async def noop(number: int) -> None:
    """Nothing at all."""


@app.task(retry=QUICK)
async def pass_gate(gate: str) -> None:
    """Begin, wait for the gate, end."""
    await note("began")
    await opened(gate)
    await note("ended")


@app.task(retry=QUICK)
def pass_gate_in_thread(gate: str) -> None:
    """The same, in a thread."""
    current_job().progress(1, 2, "at the gate")
    while not Path(gate).exists():
        time.sleep(0.01)


@app.task(retry=QUICK)
async def fail(times: int) -> None:
    """Fail so many times, then succeed."""
    if current_job().attempt <= times:
        raise ValueError(f"failure {current_job().attempt}, with a NUL \x00")


@app.task(retry=QUICK, permanent=(FileNotFoundError,))
async def read_file(path: str) -> None:
    """A missing file is not worth a retry."""
    Path(path).read_bytes()


@app.task(retry=QUICK)
async def give_up() -> None:
    """Say that it will never work."""
    raise PermanentError("this will never work")


class UnspeakableError(Exception):
    """An error that can not be told."""

    def __str__(self) -> str:
        raise RuntimeError("not telling")


@app.task(retry=Retry(attempts=1))
async def unspeakable() -> None:
    """Raise an error whose description raises another one."""
    raise UnspeakableError


@app.task(retry=QUICK)
async def snooze_once(gate: str) -> None:
    """Come back later, until the gate is open."""
    if not Path(gate).exists():
        Path(gate).touch()
        raise Snooze(0.05)
    await note(f"attempt {current_job().attempt}")


@app.task(timeout=0.3, retry=Retry(attempts=1))
async def hang() -> None:
    """Never end."""
    await asyncio.Event().wait()


@app.task(timeout=0.3, retry=Retry(attempts=1))
def spin() -> None:
    """Never end, in a thread that runs Python code."""
    while True:
        time.sleep(0.001)


@app.task(timeout=0.2, retry=Retry(attempts=1))
def block(gate: str) -> None:
    """A thread that can not be interrupted: it swallows what is raised in it, until the gate opens."""
    while not Path(gate).exists():
        try:
            time.sleep(0.01)
        except BaseException:  # noqa: BLE001 - this is the point of it
            continue


@app.task(retry=QUICK)
async def die(only_attempt: int = 0) -> None:
    """Kill the worker process, in one attempt or in each."""
    await note("dies")
    if only_attempt in {0, current_job().attempt}:
        os.kill(os.getpid(), signal.SIGKILL)


@app.task(retry=QUICK)
async def leave() -> None:
    """Try to end the worker by an exit."""
    raise SystemExit(3)


@app.task()
async def report(gate: str) -> None:
    """Report progress, wait, report more."""
    current_job().progress(1, 4, "a quarter\x00")
    await opened(gate)
    current_job().progress(4, 4, "done")


@app.task(retry=Retry(attempts=1))
async def cancel_itself() -> None:
    """Cancel what looks like one's own task, and is the worker's slot."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


@app.task(retry=Retry(attempts=1))
async def cancel_itself_and_return(*, late: bool) -> None:
    """Leave a cancellation behind, for whatever the slot does next."""
    if late:
        await asyncio.sleep(0.01)
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@app.task()
async def hold_the_loop(gate: str) -> None:
    """Block the worker's event loop until the gate is open, as a call that should be in a thread does."""
    while not Path(gate).exists():
        time.sleep(0.01)  # noqa: ASYNC251 - this is the point of it


@app.task(retry=Retry(attempts=1))
def exhausted() -> None:
    """Raise what a future can not carry."""
    next(iter([]))


@app.task(retry=Retry(attempts=1))
async def cancel_everything() -> None:
    """Cancel whatever runs in the loop, the worker's own parts among it."""
    for task in asyncio.all_tasks():
        task.cancel()


@app.task(retry=Retry(attempts=1))
async def cling() -> None:
    """Do not let itself be cancelled."""
    current_job().progress(1)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


@app.task()
def report_from_thread(times: int) -> None:
    """Report progress from a thread, many times."""
    for n in range(times):
        current_job().progress(n + 1, times)


EFFECT = "insert into effect values (%d, %d, %d, 'transacted')"


def effect() -> str:
    """SQL that leaves an effect of the current job."""
    job = current_job()
    return EFFECT % (job.id, job.attempt, os.getpid())


@app.task(retry=QUICK)
async def transact(gate: str) -> None:
    """Write an effect, wait for the gate, and commit it with the job's ending."""
    async with current_job().transaction() as connection:
        await connection.execute(effect())
        await opened(gate)


@app.task(retry=QUICK)
def transact_in_thread(gate: str) -> None:
    """The same, in a thread."""
    with current_job().transaction() as connection:
        connection.execute(effect())
        while not Path(gate).exists():
            time.sleep(0.01)


@app.task(retry=QUICK)
async def transact_and_raise() -> None:
    """End, and go on with something that fails."""
    async with current_job().transaction() as connection:
        await connection.execute(effect())
    raise ValueError("too late")


@app.task(retry=QUICK)
async def transact_at_the_second_attempt() -> None:
    """Fail inside the transaction once."""
    async with current_job().transaction() as connection:
        await connection.execute(effect())
        if current_job().attempt == 1:
            raise ValueError("not yet")
