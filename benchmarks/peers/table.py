"""The comparison as a table: a row for each system, a column for each scenario with its profile."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.peers.catalogue import DIBS_HISTORY, PEERS
from benchmarks.peers.plan import full_jobs

Run = Mapping[str, Any]

_ON_REDIS: Final = {peer.name for peer in PEERS if peer.server == "redis"}
_HISTORY: Final = {"dibs": DIBS_HISTORY} | {peer.name: peer.history for peer in PEERS}


def table(results: Mapping[str, Any]) -> str:
    """In Markdown, with all that has to be said of single figures below it."""
    runs: Sequence[Run] = results["runs"]
    columns = list(dict.fromkeys(_column(run) for run in runs))
    cells = {(run["system"], _column(run)): figure(run) for run in runs}
    lines = _head(["system", "server", "keeps history: default / best", *columns, "foreign cores, at most"])
    for system in dict.fromkeys(run["system"] for run in runs):
        own = [run for run in runs if run["system"] == system]
        figures = [cells.get((system, column), "") for column in columns]
        lines.append(_row([system, _server(system), _history(system), *figures, _foreign_cores(own)]))
    return "\n".join([*lines, "", *_notes(results)]).rstrip()


_SHORT: Final = {
    "protocol default": "20,000 jobs, ten at once, with start-up",
    "drain.20k best": "drained, best settings",
    "enqueue.one.10 best": "enqueued one by one, ten callers",
    "enqueue.one.1 best": "the same, one caller",
    "feed best": "enqueued and drained at once",
    "pickup default": "pick-up p50 / p99, defaults",
    "pickup best": "pick-up p50 / p99, best settings",
}
"""What a reader asks first, in words."""


def short(results: Mapping[str, Any]) -> str:
    """The same, of the few figures that one asks first; those on Redis below, and what has to be said of them."""
    chosen = [run for run in results["runs"] if _column(run) in _SHORT]
    chosen.sort(key=lambda run: run["system"] in _ON_REDIS)
    cells = {(run["system"], _column(run)): figure(run) for run in chosen}
    columns = {column: words for column, words in _SHORT.items() if any(_column(run) == column for run in chosen)}
    lines = _head(["jobs/s", "keeps history: default / best", *columns.values()])
    for system in dict.fromkeys(run["system"] for run in chosen):
        server = " (Redis)" if system in _ON_REDIS else ""
        figures = (cells.get((system, column), "") for column in columns)
        lines.append(_row([f"{system}{server}", _history(system), *figures]))
    return "\n".join([*lines, "", *_void(chosen), *_disturbed(chosen)]).rstrip()


def figure(run: Run) -> str:
    """The one figure of a run that a reader looks for, with what has to be said of it."""
    if run["wrong"]:
        return "void"
    repeated = run.get("counts", {}).get("repeated", 0)
    return f"{_figure(run)} *({repeated:,} ran twice)*" if repeated else _figure(run)


def _figure(run: Run) -> str:
    """The figure, and of how many jobs it is where they are fewer."""
    if latency := run["pickup_ms"]:
        said = f"{latency['p50']:.1f} / {latency['p99']:.1f} ms"
        middles = [take["p50"] for take in run.get("pickups_ms", ())]
        return f"{said} (p50 {min(middles):.1f} to {max(middles):.1f})" if middles else said
    said = f"{run['rate']:,.0f}"
    if run.get("unfinished"):
        return f"{said} *(did not finish: {run['unfinished']})*"
    rates = run.get("rates") or []
    if len(rates) > 1:
        said += f" ({min(rates):,.0f} to {max(rates):,.0f})"
    jobs = run.get("counts", {}).get("jobs", 0)
    return f"{said} *(of {jobs:,})*" if 0 < jobs < full_jobs(run["scenario"]) else said


def _notes(results: Mapping[str, Any]) -> Iterator[str]:
    runs: Sequence[Run] = results["runs"]
    yield from _void(runs)
    yield from _disturbed(runs)
    for column in dict.fromkeys(map(_column, runs)):
        without = [run["system"] for run in runs if _column(run) == column and run["wrong"]]
        if without:
            yield f"- the fastest of {column} is the fastest of those with a figure, without {', '.join(without)}"
    yield from _not_run(results.get("not_run", ()))
    yield from (f"- {name} is left out: {why}" for name, why in results["left_out"].items())


def _not_run(rounds: Sequence[Run]) -> Iterator[str]:
    """Empty cells, those of one reason in one line."""
    for column, why in dict.fromkeys((_column(one), one["why"]) for one in rounds):
        systems = [one["system"] for one in rounds if (_column(one), one["why"]) == (column, why)]
        yield f"- {column} is not run with {', '.join(systems)}: {why}"


def _void(runs: Sequence[Run]) -> Iterator[str]:
    return (f"- {run['system']}, {_column(run)} is void: {run['wrong']}" for run in runs if run["wrong"])


def _disturbed(runs: Sequence[Run]) -> Iterator[str]:
    return (
        f"- {run['system']}, {_column(run)}: others used {run['foreign_cores']:.2f} cores meanwhile, each time"
        for run in runs
        if run.get("disturbed")
    )


def _column(run: Run) -> str:
    return f"{run['scenario']} {run['profile']}"


def _server(system: str) -> str:
    return "Redis" if system in _ON_REDIS else "Postgres"


def _history(system: str) -> str:
    kept = _HISTORY.get(system, ())
    return " / ".join("yes" if profile in kept else "no" for profile in ("default", "best"))


def _foreign_cores(runs: Sequence[Run]) -> str:
    return f"{max((run.get('foreign_cores') or 0.0 for run in runs), default=0.0):.2f}"


def _head(cells: list[str]) -> list[str]:
    return [_row(cells), _row(["---", *["---:"] * (len(cells) - 1)])]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
