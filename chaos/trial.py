"""One run: send, strike, let it drain, and write down what the tables say."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

from chaos.crew import Crew, refused
from chaos.nemesis import rage
from chaos.notes import Notebook, write
from chaos.producers import Total, producers, succeed
from chaos.proxy import Proxy
from chaos.schedule import schedule
from chaos.server import Server
from chaos.strikes.site import Site
from chaos.tables import read_tables
from chaos.tasks import CREATE_SETTLED
from chaos.volume import Volume
from chaos.waits import all_there, drained, say
from dibs import Dibs


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
    doors = [Proxy(server.socket_folder, place / str(number)) for number in range(trial.workers)]
    crew = Crew(doors, trial.history, broken=trial.broken)
    async with crew.at_work(), Proxy(server.socket_folder, place / "door") as door:
        await all_there(server, trial.workers)
        notebook = Notebook(trial.history / "nemesis.jsonl")
        await _send_and_strike(trial, Site(server=server, crew=crew, door=door, volume=volume, notebook=notebook))
        await drained(server, trial.drain_seconds)
    write(trial.history / "tables.jsonl", [note async for note in read_tables(server)])
    write(trial.history / "refused.jsonl", refused(trial.history))
    return str((await server.ask("show server_version"))[0][0])


async def _send_and_strike(trial: Trial, site: Site) -> None:
    total = Total(jobs=trial.jobs, seconds=trial.seconds, seed=trial.seed)
    async with producers(total, site.door.dsn, trial.history) as sending:
        strikes = asyncio.ensure_future(rage(site, schedule(trial.seed, trial.seconds, trial.nemeses)))
        saying = asyncio.ensure_future(say(site.server))
        try:
            await asyncio.gather(strikes, *(succeed(each) for each in sending))
        finally:
            for task in (strikes, saying):
                task.cancel()
            await asyncio.gather(strikes, saying, return_exceptions=True)
