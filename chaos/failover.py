"""`make failover`: the primary is lost under load, its standby promoted, and the history judged.

    python -m chaos.failover                          with a synchronous standby, then with an asynchronous one
    python -m chaos.failover --standby sync --jobs 2000 --seconds 8

Workers and producers have one DSN that names both servers; nobody restarts or tells them. After half of the time the
primary ends as in a power cut, and is never seen again; after a pause the standby is promoted. An asynchronous standby
has by then been without its primary's log for two seconds, so that there is something to lose.

The verdicts are written to chaos/results when the run is complete, else to .chaos, where all histories are. The exit
code is 0 when every law holds, 1 when one does not, 130 after Ctrl-C or SIGTERM.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.report.machine import machine, versions
from chaos import laws, notes, verdict
from chaos.crew import ROOT, Crew, refused
from chaos.figures import Figures
from chaos.history import History, gather
from chaos.notes import Notebook, Struck, now
from chaos.pair import Pair, pair
from chaos.producers import Total, producers, succeed
from chaos.run import RESULTS
from chaos.tables import read_tables
from chaos.tasks import CREATE_SETTLED
from chaos.waits import all_there, begun, drained, say
from dibs import Dibs

COMPLETE_JOBS: Final = 20_000
SECONDS: Final = 40.0
WORKERS: Final = 3

BEHIND_SECONDS: Final = 2.0
"""How far an asynchronous standby is behind when the primary is lost."""

PROMOTE_SECONDS: Final = 1.0
"""From the loss to the promotion. Whoever watches the primary takes longer as a rule, to be sure of it."""

ON_THE_WAY_SECONDS: Final = 1.0
"""What was acknowledged so shortly before the standby lost touch may not have reached it."""

DRAIN_SECONDS: Final = 60.0

BEHIND, LOST = "fell behind", "primary lost"


@dataclass(frozen=True, slots=True)
class Direct:
    """A worker's way to the server, with nothing in between."""

    dsn: str

    async def open(self) -> None:
        """It is open."""

    async def close(self) -> None:
        """Whoever is on it leaves by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for."""

    jobs: int
    seconds: float
    seed: int
    folder: Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; gives the exit code."""
    standbys, options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return max([_run(options, is_synchronous=standby == "sync") for standby in standbys])
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("interrupted; nothing is judged", err=True)
        return 130


def _run(options: Options, *, is_synchronous: bool) -> int:
    began = datetime.now(UTC)
    name = f"failover-{'sync' if is_synchronous else 'async'}"
    history = options.folder.resolve() / f"{began:%Y-%m-%dT%H%M%S}-{name}" / "history"
    history.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as place, pair(Path(place)) as servers:
        version = asyncio.run(_conduct(options, servers, history, is_synchronous=is_synchronous))
    told = gather(notes.read(history))
    judged = verdict.judge(told, laws.LAWS if is_synchronous else CONSISTENT)
    judged = replace(judged, figures=judged.figures | recovery(told))
    about = {
        "date": began.date().isoformat(), "standby": "synchronous" if is_synchronous else "asynchronous",
        "jobs": options.jobs, "sent within seconds": options.seconds, "seed": options.seed, "workers": WORKERS,
        "promoted after seconds": PROMOTE_SECONDS, "machine": machine(), "versions": versions(version),
    }  # fmt: skip
    is_complete = options.jobs >= COMPLETE_JOBS
    file = RESULTS / f"{began.date()}-{name}.json" if is_complete else history.parent / "verdict.json"
    verdict.write(judged, about, file)
    click.echo(f"{verdict.page(judged, about)}\n{file}\n{history}")
    return 0 if judged.has_passed else 1


async def _conduct(options: Options, servers: Pair, history: Path, *, is_synchronous: bool) -> str:
    """Send, lose the primary, let it drain, and write down what the tables say; gives the server's version."""
    app = Dibs(servers.dsn)
    await app.migrate()
    await app.close()
    await servers.ask(CREATE_SETTLED)
    await servers.replicate(synchronously=is_synchronous)
    crew = Crew([Direct(servers.dsn)] * WORKERS, history)
    async with crew.at_work():
        await all_there(servers, WORKERS)
        total = Total(jobs=options.jobs, seconds=options.seconds, seed=options.seed)
        async with producers(total, servers.dsn, history) as sending:
            saying = asyncio.ensure_future(say(servers))
            try:
                await begun(servers)
                await asyncio.sleep(options.seconds / 2)
                await _fail_over(servers, Notebook(history / "nemesis.jsonl"), is_synchronous=is_synchronous)
                await asyncio.gather(*map(succeed, sending))
            finally:
                saying.cancel()
                await asyncio.wait([saying])
        await drained(servers, DRAIN_SECONDS)
    notes.write(history / "tables.jsonl", [note async for note in read_tables(servers)])
    notes.write(history / "refused.jsonl", refused(history))
    return str((await servers.ask("show server_version"))[0][0])


async def _fail_over(servers: Pair, notebook: Notebook, *, is_synchronous: bool) -> None:
    if not is_synchronous:
        await servers.part()
        since = now()
        await asyncio.sleep(BEHIND_SECONDS)
        notebook.add(Struck(at=since, until=now(), name=BEHIND))
    since = now()
    await asyncio.to_thread(servers.crash)
    await asyncio.sleep(PROMOTE_SECONDS)
    await asyncio.to_thread(servers.promote)
    notebook.add(Struck(at=since, until=now(), name=LOST))


def recovery(history: History) -> Figures:
    """How long things stood still, and what an asynchronous standby did not know."""
    loss = next(strike for strike in history.strikes if strike.name == LOST)
    acknowledged = [call.at for call in history.calls if call.answer == "ok" and call.at > loss.until]
    begun = [begin.at for begins in history.began.values() for begin in begins if begin.at > loss.until]
    return {
        "jobs acknowledged and lost": len(_lost(history)),
        "seconds from the loss until the standby took writes": round(loss.until - loss.at, 2),
        "seconds from then to the first enqueue": round(min(acknowledged) - loss.until, 2) if acknowledged else None,
        "seconds from then to the first job begun": round(min(begun) - loss.until, 2) if begun else None,
    }


def lost_too_early(history: History) -> list[int]:
    """Jobs, by number, that were acknowledged while the standby was in touch, and that it yet does not know."""
    since = min(strike.at for strike in history.strikes) - ON_THE_WAY_SECONDS
    return [number for number, at in _lost(history).items() if at < since]


CONSISTENT: Final[Mapping[str, laws.Law]] = {
    "jobs lost that were acknowledged before the standby fell behind": lost_too_early,
    **{name: law for name, law in laws.LAWS.items() if law in {
        laws.not_ended, laws.not_in_one_place, laws.not_asked_for, laws.torn, laws.not_settled_once, laws.miscounted,
        laws.fallen,
    }},
}  # fmt: skip
"""What holds although the last moments are forgotten. The other laws compare with what was seen of a job by its id, and
the ids of forgotten jobs are given out again."""


def _lost(history: History) -> dict[int, float]:
    """The numbers that were acknowledged and are not there, with when that was."""
    written = {found.number for found in history.found.values()}
    return {
        number: call.at
        for call in history.calls
        if call.answer == "ok"
        for number in call.numbers
        if number not in written
    }


def _options(arguments: Sequence[str] | None) -> tuple[tuple[str, ...], Options]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--standby", choices=("sync", "async"), help="only this one")
    parser.add_argument("--jobs", type=int, default=COMPLETE_JOBS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="to send them in")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=ROOT / ".chaos")
    given: dict[str, Any] = vars(parser.parse_args(arguments))
    standby = given.pop("standby")
    return (standby,) if standby else ("sync", "async"), Options(**given)


if __name__ == "__main__":
    sys.exit(main())
