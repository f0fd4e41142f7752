"""The clean runs that bad days are compared with: the same number of jobs drained on an otherwise empty database.

There are two sizes. A day is held against the clean runs of its own size, in the same window of the jobs, so that a
share of 1.0 means that nothing was lost. They are taken at the beginning, in the middle and at the end of the bad days,
since a machine is not the same all day: the middle of the three rates counts, and the table shows their range.
"""

from collections.abc import Mapping
from statistics import median
from typing import Any, Final

from benchmarks.bad_days.day import Site
from benchmarks.crew.crew import Crew
from benchmarks.crew.drains import drain
from benchmarks.ground import copy_job, fresh

Entry = dict[str, Any]

SIZES: Final[Mapping[str, int]] = {"200k": 200_000, "1m": 1_000_000}


async def measure(site: Site, size: str) -> Entry:
    """One clean run, with its rate in each window; see `Day.window`."""
    jobs = site.size(SIZES[size])
    async with fresh(site.server.dsn, "bench_clean") as ground, Crew.on(ground.url, jobs=jobs) as crew:
        first = await crew.enqueue_one()
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        drained = await drain(ground, crew, range(first, first + jobs))
    windows = {"steady": drained.steady_rate, "last tenth": drained.last_rate, "whole": jobs / drained.whole_seconds}
    rates = {name: None if rate is None else round(rate, 1) for name, rate in windows.items()}
    return {
        "name": size, "jobs": jobs, "rate": None if drained.wrong else rates["steady"], "windows": rates,
        "figures": {"rate_by_tenth": drained.rates}, "counts": dict(drained.counts), "wrong": drained.wrong,
    }  # fmt: skip


def compared(days: list[Entry], cleans: list[Entry], size_of: Mapping[str, str | None]) -> list[Entry]:
    """The days, each with the clean rate of its size and window, and its share of it."""
    return [_compared(day, [clean for clean in cleans if clean["name"] == size_of[day["name"]]]) for day in days]


def _compared(day: Entry, cleans: list[Entry]) -> Entry:
    if day["missing"] or not cleans or any(clean["wrong"] for clean in cleans):
        return day
    rates = [clean["windows"][day["window"]] for clean in cleans if clean["windows"][day["window"]]]
    if not rates:
        return day
    rate = median(rates)
    share = round(day["rate"] / rate, 3) if day["rate"] else None
    return {**day, "clean_rate": rate, "clean_rates": rates, "share_of_clean": share}
