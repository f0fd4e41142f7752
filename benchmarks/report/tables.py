"""Results as tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.report.results import Results
from benchmarks.report.targets import Target, reached


def page(results: Results) -> str:
    """All of them."""
    return "\n\n".join([run(results), targets(results), limits(results), bad_days(results)]) + "\n"


def targets(results: Results) -> str:
    """What was aimed at and what was reached."""
    return _table(
        ("figure", "target", "measured", ""),
        (
            (one.target.what, f"{_sign(one.target)} {one.target.bound:g}", _plain(one.value), one.verdict)
            for one in reached(results)
        ),
    )


def limits(results: Results) -> str:
    """Every level of draining and enqueueing."""
    return _table(
        (
            "level",
            "what",
            "jobs/s",
            "p50, p99 ms",
            "server µs/job",
            "client µs/job",
            "WAL B/job",
            "statements/job",
        ),
        (
            (
                figure["level"],
                figure["what"],
                _rate(figure),
                _latency(figure["latency_ms"]),
                _plain(figure.get("server_cpu_us_per_job")),
                _plain(figure.get("worker_cpu_us_per_job")),
                _plain(figure.get("wal_bytes_per_job")),
                _plain(figure.get("statements_per_job")),
            )
            for figure in results["limits"]
        ),
    )


def bad_days(results: Results) -> str:
    """How every bad day went."""
    return _table(
        ("what", "jobs/s", "clean run", "share", "also", "executed again"),
        (
            (
                day["what"],
                f"missing: {day['missing']}" if day["missing"] else _rate(day),
                _plain(day["clean_rate"]),
                _plain(day["share_of_clean"]),
                _figures(day["figures"]),
                _plain(day["counts"].get("executed_again")),
            )
            for day in results["bad_days"]
        ),
    )


def run(results: Results) -> str:
    """Machine, versions and settings."""
    rows = [("date", results["date"]), ("scale", results["scale"])]
    rows += list(results["machine"].items()) + list(results["versions"].items())
    rows.append(("Postgres settings", ", ".join(f"{name}={value}" for name, value in results["settings"].items())))
    return _table(("", ""), ((name.replace("_", " "), str(value)) for name, value in rows))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _sign(target: Target) -> str:
    return "≤" if target.is_upper else "≥"


def _rate(measured: Mapping[str, Any]) -> str:
    return f"void: {measured['wrong']}" if measured["wrong"] else _plain(measured["rate"])


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
