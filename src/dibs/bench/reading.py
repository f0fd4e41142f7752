"""What the figures of a survey mean, in plain words. Nothing here measures: it reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dibs.bench.result import Result
from dibs.bench.survey import STEPS, Survey

_BUSY: Final = 0.9
"""From this share on, a core or a machine has nothing left to give."""
_SHARE_MIN: Final = 0.4
"""Below this share of the time, nothing is named as what holds it back."""
_FOREIGN_CORES_MIN: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """What holds something back."""

    what: str
    """`round trips`, `commits`, `worker`, `server`, `machine`, or `unknown`."""
    share: float
    """Of the time, from 0 to 1."""
    why: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A survey in words."""

    sentences: tuple[str, ...]
    """What the numbers mean, and how far they are from what the server can do."""
    brake: Brake | None
    """What holds running jobs back; null when there is no sound figure to judge by."""
    warnings: tuple[str, ...]


def read(survey: Survey) -> Reading:
    """Read a survey."""
    drained = survey.results["drain_best"]
    return Reading(
        sentences=tuple(_sentences(survey)),
        brake=None if drained.rate is None else brake(drained, survey),
        warnings=tuple(_warnings(survey)),
    )


def brake(drained: Result, survey: Survey) -> Brake:
    """What takes the most of a worker's time. With one worker, it is one thing after the other for each batch."""
    per_job = drained.costs.per_job(drained.counts.jobs)
    rate = drained.rate or 0.0
    worker = (per_job["worker_cpu_us"] or 0.0) * rate / 1e6
    server = (per_job["server_cpu_us"] or 0.0) * rate / 1e6
    statements = (per_job["transactions"] or 0.0) * rate
    shares = {
        "worker": worker,
        "server": server,
        "round trips": statements * survey.limits.round_trip_ms / 1e3,
        "commits": statements * survey.limits.flush_ms / 1e3,
    }
    # A worker beside its server: when no core is left, neither of them alone is at fault.
    foreign = drained.costs.foreign_cores or 0.0
    busy = worker + server + foreign
    if survey.server.is_visible and busy > _BUSY * survey.cores and max(worker, server) < _BUSY:
        shares = {"machine": min(busy / survey.cores, 1.0)}
    what = max(shares, key=lambda each: shares[each])
    share = min(shares[what], 1.0)
    return _brake(what if share >= _SHARE_MIN else "unknown", share, foreign, survey)


def _brake(what: str, share: float, foreign: float, survey: Survey) -> Brake:
    percent = f"{share:.0%}"
    faster = "" if survey.has_uvloop else " The package uvloop makes each a good deal faster."
    why, advice = {
        "worker": (
            f"the worker process: it computes for {percent} of the time",
            f"Run more of them: `dibs worker --processes {max(survey.cores - 1, 2)}`, or on more machines.{faster}",
        ),
        "server": (
            f"the server's CPU: it computes for {percent} of the time",
            "One worker keeps one core of the server busy. A second one, `--processes 2`, uses another if it has one.",
        ),
        "round trips": (
            f"the network: {percent} of the time is spent on the way, {survey.limits.round_trip_ms:.1f} ms each time",
            "Bring workers and database closer together, or run more processes: they share the waiting.",
        ),
        "commits": (
            f"the disk: {percent} of the time is spent waiting for commits, {survey.limits.flush_ms:.1f} ms each",
            "Faster storage for the write-ahead log helps; so do more processes, which share the waiting.",
        ),
        "machine": (
            f"this machine: {percent} of its {survey.cores} cores are busy, {foreign:.1f} of them for others",
            "Worker, server and others share them. Give them machines of their own, or more cores.",
        ),
        "unknown": (
            "nothing that can be seen from here" + ("" if survey.server.is_visible else "; the server's CPU is not"),
            "Look at the server's CPU and disk while `dibs bench` runs, and try `dibs worker --processes 2`.",
        ),
    }[what]
    return Brake(what=what, share=round(share, 2), why=why, advice=advice)


def _sentences(survey: Survey) -> Iterator[str]:
    results, limits = survey.results, survey.limits
    one, ten, many = results["enqueue_one"], results["enqueue_ten"], results["enqueue_many"]
    if one.rate is not None:
        yield (
            f"Enqueued one by one, a job takes {one.call_ms['p50']:.1f} ms; a bare INSERT with its commit takes "
            f"{limits.insert_ms:.1f} ms here, of which {limits.round_trip_ms:.1f} are the way to the server and back, "
            f"and {limits.flush_ms:.1f} the disk."
        )
    if ten.rate is not None:
        yield (
            f"Ten callers in one process enqueue {ten.rate:,.0f} jobs/s, {_share(ten.rate, limits.inserts_per_second)} "
            f"of bare INSERTs over ten connections ({limits.inserts_per_second:,.0f}/s)."
        )
    if many.rate is not None:
        yield (
            f"At once, {many.rate:,.0f} jobs/s are enqueued, {_share(many.rate, limits.copied_per_second)} of a bare "
            f"COPY ({limits.copied_per_second:,.0f} rows/s), which checks nothing and has one table to fill."
        )
    yield from _of_running(results)


def _of_running(results: Mapping[str, Result]) -> Iterator[str]:
    default, best, feed, pickup = (results[name] for name in ("drain", "drain_best", "feed", "pickup"))
    if default.rate is not None:
        yield f"One worker process with ten slots runs {default.rate:,.0f} jobs/s that do nothing."
    if best.rate is not None:
        per_job = best.costs.per_job(best.counts.jobs)
        worker, server = (_microseconds(per_job[name]) for name in ("worker_cpu_us", "server_cpu_us"))
        yield (
            f"With 100 slots it runs {best.rate:,.0f} jobs/s. The CPU time of a job: worker {worker}, server {server}."
        )
    if feed.rate is not None:
        yield f"While ten callers enqueue one by one, it runs {feed.rate:,.0f} jobs/s."
    if pickup.pickup_ms:
        yield (
            f"A job that comes to an idle worker starts after {pickup.pickup_ms['p50']:.1f} ms as a rule, and after "
            f"{pickup.pickup_ms['p99']:.1f} ms at the latest in 99 of 100 cases."
        )


def _warnings(survey: Survey) -> Iterator[str]:
    for name, result in survey.results.items():
        if result.wrong is not None:
            yield f"{STEPS[name]}: no figure. {result.wrong}"
    foreign = max((result.costs.foreign_cores or 0.0 for result in survey.results.values()), default=0.0)
    if foreign >= _FOREIGN_CORES_MIN:
        yield f"Others used up to {foreign:.1f} of {survey.cores} cores of this machine meanwhile: it can do more."
    if not survey.server.is_visible:
        yield "The server's processes are not visible from here, so nothing is said about its CPU."
    if survey.server.fsync == "off":
        yield "The server runs with fsync = off: it is fast, and loses or corrupts data when its machine stops."
    if survey.server.synchronous_commit == "off":
        yield "The server runs with synchronous_commit = off: jobs of the last moments are lost when it stops hard."


def _microseconds(value: float | None) -> str:
    return "not visible" if value is None else f"{value:.0f} µs"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}"
