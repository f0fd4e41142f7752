"""Plots of results, as SVG for the docs. Needs matplotlib (the dependency group `bench`)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report.results import Results

Plot = Callable[[Axes, Results], bool]
"""Draws, and tells whether there was anything to draw."""

_COLOURS: Final = {"L1": "#b8b8b8", "L2": "#8fb3d9", "L3": "#4f81b5", "L4": "#d9822b"}
_CLEAN: Final = "#8fb3d9"
_BAD: Final = "#d9822b"
_STYLE: Final[dict[Any, Any]] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text: small files, and searchable
    "svg.hashsalt": "dibs",  # the same results give the same file
}


def draw(results: Results, stem: Path) -> list[Path]:
    """Draw what the results of dibs hold, to files beside *stem*; gives their paths."""
    return _draw(_PLOTS, results, stem)


def draw_peers(results: Results, stem: Path) -> list[Path]:
    """The same, of a comparison."""
    return _draw(_PLOTS_OF_PEERS, results, stem)


def _draw(plots: Mapping[str, Plot], results: Results, stem: Path) -> list[Path]:
    drawn = []
    with mpl.rc_context(_STYLE):
        for name, plot in plots.items():
            figure = Figure(figsize=(7.5, 3.4), layout="constrained")
            figure.suptitle(_TITLES[name], x=0.01, horizontalalignment="left")
            if plot(figure.add_subplot(), results):
                path = stem.with_name(f"{stem.name}-{name}.svg")
                figure.savefig(path, metadata={"Date": None})
                drawn.append(path)
    return drawn


def _drain(axes: Axes, results: Results) -> bool:
    return _levels(axes, [figure for figure in results["limits"] if figure["name"].startswith("drain.")])


def _enqueue(axes: Axes, results: Results) -> bool:
    return _levels(axes, [figure for figure in results["limits"] if figure["name"].endswith("x10")])


def _levels(axes: Axes, chosen: Sequence[dict[str, Any]]) -> bool:
    valid = [figure for figure in reversed(chosen) if figure["rate"]]
    labels = [f"{figure['level']}  {figure['what']}" for figure in valid]
    bars = axes.barh(labels, [figure["rate"] for figure in valid], color=[_COLOURS[one["level"]] for one in valid])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.margins(x=0.12)
    axes.xaxis.set_visible(False)
    return bool(valid)


def _bad_days(axes: Axes, results: Results) -> bool:
    valid = [day for day in reversed(results["bad_days"]) if day["share_of_clean"]]
    bars = axes.barh(
        [day["name"].replace("_", " ") for day in valid], [day["share_of_clean"] for day in valid], color=_BAD
    )
    axes.bar_label(bars, fmt="{:.2f}", padding=3)
    axes.axvline(1.0, color=_CLEAN, linewidth=2)
    return bool(valid)


def _held_back(axes: Axes, results: Results) -> bool:
    found = [day for day in results["bad_days"] if "rate_by_tenth" in day["figures"]]
    for day in found:
        rates = day["figures"]["rate_by_tenth"]
        axes.plot(range(1, len(rates) + 1), rates, marker="o", label=day["name"].replace("_", " "))
        if day["clean_rate"]:
            axes.axhline(day["clean_rate"], linestyle=":", color=_CLEAN)
    axes.set_ylim(bottom=0)
    if found:
        axes.legend(frameon=False)
    return bool(found)


def _rates_of_peers(scenario: str) -> Plot:
    def plot(axes: Axes, results: Results) -> bool:
        valid = [run for run in results["runs"] if f"{run['scenario']} {run['profile']}" == scenario and run["rate"]]
        valid.sort(key=lambda run: float(run["rate"]))
        colours = [_BAD if run["system"] == "dibs" else _CLEAN for run in valid]
        bars = axes.barh([run["system"] for run in valid], [run["rate"] for run in valid], color=colours)
        axes.bar_label(bars, fmt="{:,.0f}", padding=3)
        axes.margins(x=0.12)
        axes.xaxis.set_visible(False)
        return bool(valid)

    return plot


_TITLES: Final = {
    "drained": "Draining no-op jobs at the best documented settings, one process, jobs per second",
    "fed": "Enqueued one by one by ten callers and drained meanwhile, jobs per second",
    "drain": "Draining no-op jobs, jobs per second: the limits and the worker",
    "enqueue": "Enqueueing one by one, ten callers, jobs per second",
    "bad-days": "Bad days: rate as a share of clean runs of as many jobs",
    "held-back": "A million jobs while vacuum can not clean up: jobs per second, tenth by tenth",
}
_PLOTS_OF_PEERS: Final[dict[str, Plot]] = {
    "drained": _rates_of_peers("drain.20k best"),
    "fed": _rates_of_peers("feed best"),
}
_PLOTS: Final[dict[str, Plot]] = {
    "drain": _drain,
    "enqueue": _enqueue,
    "bad-days": _bad_days,
    "held-back": _held_back,
}
