"""One run: send, strike, let it drain, and write down what the tables say."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Final

import click

from chaos.crew import ROOT, Crew, environment, refused
from chaos.nemesis import rage
from chaos.notes import Notebook, write
from chaos.producer import Load, slow_share
from chaos.proxy import Proxy
from chaos.schedule import schedule
from chaos.server import Server
from chaos.strikes.site import Site
from chaos.tables import read_tables, waiting
from chaos.tasks import CREATE_SETTLED
from chaos.volume import Volume
from dibs import Dibs

PRODUCERS: Final = 2
NUMBERS: Final = 10**9
"""For each producer: more than it will need, however often it is not answered."""

FEW: Final = 10_000
"""Jobs that one producer sends alone."""
START_SECONDS_MAX: Final = 60.0
LOOK_SECONDS: Final = 0.2
SAY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a run consists of."""

    jobs: int
    seconds: float
    seed: int
    nemeses: tuple[str, ...]
    workers: int
    drain_seconds: float
    broken: str | None
    history: Path


async def conduct(trial: Trial, server: Server, place: Path, volume: Volume | None) -> str:
    """Do it all; gives the server's version. Nothing that was started is left, however it ends."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    trial.history.mkdir(parents=True)
    app = Dibs(server.dsn)
    await app.migrate()
    await app.close()
    await server.ask(CREATE_SETTLED)
    crew = Crew(server.socket_folder, trial.history, sockets=place, workers=trial.workers, broken=trial.broken)
    async with crew.at_work(), Proxy(server.socket_folder, place / "door") as door:
        await _all_there(server, trial.workers)
        notebook = Notebook(trial.history / "nemesis.jsonl")
        await _send_and_strike(trial, Site(server=server, crew=crew, door=door, volume=volume, notebook=notebook))
        await _drain(server, trial.drain_seconds)
    write(trial.history / "tables.jsonl", [note async for note in read_tables(server)])
    write(trial.history / "refused.jsonl", refused(trial.history))
    return str((await server.ask("show server_version"))[0][0])


async def _all_there(server: Server, workers: int) -> None:
    """Wait until all workers have begun: strikes before that would hit nothing."""
    there = "select count(*) >= $1 from dibs.worker where locked"
    async with asyncio.timeout(START_SECONDS_MAX):
        while not (await server.ask(there, workers))[0][0]:  # noqa: ASYNC110 - a row that appears sends no event
            await asyncio.sleep(LOOK_SECONDS)


async def _send_and_strike(trial: Trial, site: Site) -> None:
    async with _producers(trial, site.door.dsn) as sending:
        strikes = asyncio.ensure_future(rage(site, schedule(trial.seed, trial.seconds, trial.nemeses)))
        saying = asyncio.ensure_future(_say(site.server))
        try:
            await asyncio.gather(strikes, *(_succeed(each) for each in sending))
        finally:
            for task in (strikes, saying):
                task.cancel()
            await asyncio.gather(strikes, saying, return_exceptions=True)


@contextlib.asynccontextmanager
async def _producers(trial: Trial, dsn: str) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    started: list[asyncio.subprocess.Process] = []
    count = 1 if trial.jobs < FEW else PRODUCERS
    share = trial.jobs // count
    try:
        for nth in range(count):
            jobs = share if nth else trial.jobs - share * (count - 1)
            load = Load(
                first=nth * NUMBERS,
                jobs=jobs,
                seconds=trial.seconds,
                slow_share=slow_share(trial.jobs, trial.seconds),
                seed=trial.seed + nth,
            )
            started.append(await _start(load, environment(dsn, trial.history)))
        yield started
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _start(load: Load, env: Mapping[str, str]) -> asyncio.subprocess.Process:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(load).items()]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "chaos.producer",
        *options,
        cwd=ROOT,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
    )


async def _succeed(producer: asyncio.subprocess.Process) -> None:
    if code := await producer.wait():
        raise RuntimeError(f"a producer ended with exit code {code}")


async def _drain(server: Server, seconds: float) -> None:
    """Wait until no job waits or runs, or until none has ended for so long."""
    ended_before, until = -1, monotonic() + seconds
    while True:
        left, ended = await waiting(server)
        if ended != ended_before:
            ended_before, until = ended, monotonic() + seconds
        if not left or monotonic() > until:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _say(server: Server) -> None:
    """Tell now and then how far it has come."""
    began = monotonic()
    while True:
        left, ended = await waiting(server)
        click.echo(f"{monotonic() - began:6.0f} s  {ended:,} jobs ended, {left:,} wait or run", err=True)
        await asyncio.sleep(SAY_SECONDS)
