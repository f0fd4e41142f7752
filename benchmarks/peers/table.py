"""The comparison as a table: a row for each system, a column for each scenario with its profile."""

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.peers.catalogue import PEERS

_ON_REDIS: Final = {peer.name for peer in PEERS if peer.server == "redis"}


def table(results: Mapping[str, Any]) -> str:
    """In Markdown. Rates are jobs per second; latency is p50 / p99 in milliseconds; a void result is called so."""
    runs = results["runs"]
    columns = list(dict.fromkeys(f"{run['scenario']} {run['profile']}" for run in runs))
    cells = {(run["system"], f"{run['scenario']} {run['profile']}"): figure(run) for run in runs}
    lines = [_row(["system", *columns]), _row(["---", *["---:"] * len(columns)])]
    lines += [
        _row([system, *(cells.get((system, column), "") for column in columns)])
        for system in dict.fromkeys(run["system"] for run in runs)
    ]
    notes = [f"- {run['system']}, {run['scenario']} {run['profile']}: {run['wrong']}" for run in runs if run["wrong"]]
    left_out = [f"- {name} is left out: {why}" for name, why in results["left_out"].items()]
    return "\n".join([*lines, "", *notes, *left_out]).rstrip()


_SHORT: Final = {
    "drain.20k default": "drained, as it comes",
    "drain.20k best": "drained, best settings",
    "enqueue.one.10 best": "enqueued one by one, ten callers",
    "feed best": "enqueued and drained at once",
    "pickup default": "pick-up p50 / p99",
}
"""What a reader asks first, in words."""


def short(results: Mapping[str, Any]) -> str:
    """The same, of the few figures that one asks first; those on Redis below."""
    chosen = [run for run in results["runs"] if f"{run['scenario']} {run['profile']}" in _SHORT]
    chosen.sort(key=lambda run: run["system"] in _ON_REDIS)
    cells = {(run["system"], f"{run['scenario']} {run['profile']}"): figure(run) for run in chosen}
    lines = [_row(["jobs/s", *_SHORT.values()]), _row(["---", *["---:"] * len(_SHORT)])]
    for system in dict.fromkeys(run["system"] for run in chosen):
        server = " (Redis)" if system in _ON_REDIS else ""
        lines.append(_row([f"{system}{server}", *(cells.get((system, column), "") for column in _SHORT)]))
    return "\n".join(lines)


def figure(run: Mapping[str, Any]) -> str:
    """The one figure of a run that a reader looks for."""
    if run["wrong"]:
        return "void"
    if latency := run["pickup_ms"]:
        return f"{latency['p50']:.1f} / {latency['p99']:.1f} ms"
    return f"{run['rate']:,.0f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
