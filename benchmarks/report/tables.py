"""Results as tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.peers.catalogue import PEERS
from benchmarks.report.results import Results, by_name
from benchmarks.report.targets import Reached, Target, reached, reached_among_peers

_COSTS: Final = {
    "server_cpu_us_per_job": "server µs/job",
    "worker_cpu_us_per_job": "client µs/job",
    "wal_bytes_per_job": "WAL B/job",
    "statements_per_job": "statements/job",
    "foreign_cores": "foreign cores",
}

_MANY_JOBS: Final = 200_000

_COSTS_OF_SCENARIOS: Final = {
    "worker_cpu_us": "worker µs/job *",
    "server_cpu_us": "server µs/job",
    "wal_bytes": "WAL B/job",
    "transactions": "statements/job",
}


def page(results: Results) -> str:
    """All of them."""
    return "\n\n".join([run(results), targets(results), scenarios(results), limits(results), bad_days(results)]) + "\n"


def targets(results: Results) -> str:
    """What was aimed at and what was reached."""
    return _targets(reached(results))


def targets_among_peers(results: Results) -> str:
    """The same, of what compares dibs with others."""
    return _targets(reached_among_peers(results))


def _targets(found: Iterable[Reached]) -> str:
    return _table(
        ("figure", "target", "measured", ""),
        (
            (one.target.what, f"{_sign(one.target)} {one.target.bound:g}", _plain(one.value), one.verdict)
            for one in found
        ),
    )


def scenarios(results: Results) -> str:
    """What an application sees: dibs itself in every scenario. The middle one of some rounds, with their range."""
    shown = _section(
        results, "scenarios", 3,
        ("scenario", "profile", "jobs", "jobs/s", "call p50, p99 ms", "pick-up p50, p99 ms", "jobs per CPU second",
         *_COSTS_OF_SCENARIOS.values(), "worker MB", "repeated", "foreign cores"),
        (
            (
                one["scenario"],
                one["profile"],
                _plain(one["counts"]["jobs"]),
                _rate(one),
                _latency(one["call_ms"]),
                _latency(one["pickup_ms"]),
                _plain(one["jobs_per_cpu_second"]),
                *(_plain(_of_scenario(one, cost)) for cost in _COSTS_OF_SCENARIOS),
                _plain(one["worker_rss_bytes"] and one["worker_rss_bytes"] / 1e6),
                _plain(one["counts"]["repeated"]),
                _plain(one["foreign_cores"]),
            )
            for one in results["scenarios"]
        ),
    )  # fmt: skip
    return f"{shown}\n\n\\* of a worker's CPU only where {_MANY_JOBS:,} jobs were run: its start weighs on fewer."


def _of_scenario(one: Mapping[str, Any], cost: str) -> float | None:
    """A cost, where enough jobs were run to tell it."""
    is_told = cost != "worker_cpu_us" or one["counts"]["jobs"] >= _MANY_JOBS
    return one["per_job"].get(cost) if is_told else None


def limits(results: Results) -> str:
    """Every level of draining and enqueueing, and how much of each the real thing (L4) reaches."""
    named = by_name(results["limits"])
    return _section(
        results, "limits", 2,
        ("level", "what", "jobs/s", "L4's share", "p50, p99 ms", *_COSTS.values()),
        (
            (
                figure["level"],
                figure["what"],
                _rate(figure),
                _plain(_share(figure, named)),
                _latency(figure["latency_ms"]),
                *(_plain(figure.get(cost)) for cost in _COSTS),
            )
            for figure in results["limits"]
        ),
    )  # fmt: skip


def bad_days(results: Results) -> str:
    """How every bad day went, beside the middle one of the clean runs of as many jobs, with their range."""
    return _section(
        results, "bad_days", 1,
        ("what", "jobs/s", "clean runs", "share", "also", "executed again"),
        (
            (
                day["what"],
                f"missing: {day['missing']}" if day["missing"] else _rate(day),
                _ranged(day["clean_rate"], day["clean_rates"]),
                _plain(day["share_of_clean"]),
                _figures(day["figures"]),
                _plain(day["counts"].get("executed_again")),
            )
            for day in results["bad_days"]
        ),
    )  # fmt: skip


def run(results: Results) -> str:
    """Machine, versions and settings."""
    return _about([("scale", results["scale"]), ("Postgres settings", _settings(results["settings"]))], results)


def run_of_peers(results: Results) -> str:
    """The same of a comparison. Of each peer's packages, its own one; all are in the file."""
    versions = dict(results["versions"])
    for peer in PEERS:
        if peer.name in versions:
            packages = versions[peer.name].split(", ")
            versions[peer.name] = next(one for one in packages if one.startswith(f"{peer.package} "))
    told = [
        (f"server: {name}", f"{server['version']}; {server['transport']}; {_settings(server['settings'])}")
        for name, server in results["servers"].items()
    ]
    return _about(told, {**results, "versions": versions})


def _about(rows: Sequence[tuple[str, object]], results: Results) -> str:
    found = [("date", results["date"]), *results["machine"].items(), *results["versions"].items(), *rows]
    return _table(("", ""), ((name.replace("_", " "), str(value)) for name, value in found))


def _settings(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value or 'off'}" for name, value in values.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = list(rows)
    if not body:
        return "Not a part of this run."
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """In one line, and in one column."""
    return " ".join(text.split()).replace("|", "\\|")


def _section(results: Results, name: str, rate: int, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table of a section, with a row for each of its parts that failed; *rate* is the column that says so."""
    parts = (name, "clean") if name == "bad_days" else (name,)
    failures = [failure for failure in results.get("failures", ()) if failure["name"].split(".")[0] in parts]
    failed = []
    for failure in failures:
        row = [""] * len(head)
        row[0], row[rate] = failure["name"], f"**failed**: {failure['error']}"
        failed.append(row)
    return _table(head, [*rows, *failed])


def _sign(target: Target[Any]) -> str:
    return "≤" if target.is_upper else "≥"


def _rate(measured: Mapping[str, Any]) -> str:
    if measured["wrong"]:
        return f"void: {measured['wrong']}"
    rate = _ranged(measured["rate"], measured.get("rates", []))
    # Repeating it did not help: others were on the machine each time.
    disturbed = f"disturbed ({_plain(measured['foreign_cores'])} foreign cores)" if measured.get("disturbed") else ""
    return ", ".join(filter(None, (rate, disturbed)))


def _ranged(middle: float | None, rates: Sequence[float | None]) -> str:
    """The middle one of some rates, with the least and the greatest."""
    found = [rate for rate in rates if rate is not None]
    return f"{_plain(middle)} ({_plain(min(found))} to {_plain(max(found))})" if len(found) > 1 else _plain(middle)


def _share(figure: Mapping[str, Any], named: Mapping[str, Mapping[str, Any]]) -> float | None:
    """The rate of L4 at the same work, by the rate of *figure*."""
    kind, *rest = figure["name"].split(".")
    real = named.get(f"{kind}.L4") or named.get(f"{kind}.L4.{rest[-1]}")
    if figure["level"] == "L4" or not real or not real["rate"] or not figure["rate"]:
        return None
    return float(real["rate"] / figure["rate"])


def _latency(cuts: Mapping[str, float]) -> str:
    if "p50" in cuts:
        return f"{_plain(cuts['p50'])}, {_plain(cuts['p99'])}"
    return f"mean {_plain(cuts['mean'])}" if cuts else ""


def _figures(found: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {_list(value)}" for name, value in found.items())


def _list(value: Any) -> str:
    return ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)


def _plain(value: float | None) -> str:
    """As many digits as mean something."""
    if value is None:
        return ""
    if abs(value) >= 1000:  # noqa: PLR2004 - from here on, thousands are set apart
        return f"{value:,.0f}"
    return f"{value:.3g}"
