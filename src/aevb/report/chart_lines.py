"""The lines of a chart, and the part of them that is in view."""

import math
from typing import NamedTuple

import numpy as np

from aevb.figures.paper import published
from aevb.report.panels import Line, Panel
from aevb.report.statistics import Summary, summarise
from aevb.report.views import View, series

__all__ = ["Drawn", "Papers", "heights", "lines_of", "outside"]

BOUNDS = ("test", "train")
FAR = 200.0  # nats from the paper; a curve that ends beyond does not set the scale
Papers = list[tuple[str, str, published.Polyline]]
"""Algorithm, split and curve."""


class Drawn(NamedTuple):
    """A line and a split of it, as a chart shows them.

    Attributes:
        line: The line.
        split: "train" or "test".
        main: Whether it is drawn in full, with seeds and a band.
        seeds: The curves of the seeds: (name of the run, samples_seen, value).
        summary: The mean and the range over the seeds.
    """

    line: Line
    split: str
    main: bool
    seeds: list[tuple[str, np.ndarray, np.ndarray]]
    summary: Summary


def lines_of(view: View, panel: Panel, numbers: dict[str, int]) -> list[Drawn]:
    """Return the lines of a panel as a chart shows them, those of the first two splits.

    Args:
        view: What is shown; its last decade is of the same lines.
        panel: The panel.
        numbers: The index of every run in the report, by its directory.
    """
    lines = []
    for line in panel.lines:
        for index, split in enumerate([*view.columns][:2]):
            seeds, summary = series(view, panel, line, split)
            if len(summary.mean):
                named = [(str(numbers[str(item.run.directory)]), xs, ys) for item, xs, ys in seeds]
                lines.append(Drawn(line, split, index == 0, named, summary))
    return lines


def heights(drawn: list[Drawn], papers: Papers, left: float, right: float, view: View) -> tuple[float, float]:
    """Return the lowest and the highest value of a chart.

    Every curve is shown from the middle of the axis on, and whole on an axis of less than a decade; steeper beginnings are
    cut, and so are runs that diverged. Curves that end before the axis begins set no scale.

    Args:
        drawn: The lines of the chart.
        papers: The curves of the paper in it.
        left: Its left end, training samples.
        right: Its right end, training samples.
        view: What is shown.
    """
    start = left if view.tail or right < 10 * left else math.sqrt(left * right)
    # A line that diverged is left out with both of its splits.
    diverged = {item.line.label for item in drawn if item.main and _diverged(item, view)}
    shown = [item for item in drawn if item.summary.samples_seen[-1] >= left]
    kept = [item for item in shown if item.line.label not in diverged] or shown
    curves = [(item.summary.samples_seen, item.summary.mean) for item in kept]
    curves += [(curve.samples_seen, curve.value) for _, _, curve in papers]
    for item in kept:
        if item.main:
            curves += [(item.summary.samples_seen, item.summary.low), (item.summary.samples_seen, item.summary.high)]
    values: list[float] = [0.0] if view.difference else []
    for seen, value in curves:
        late = value[(seen >= min(start, seen[-1])) & (seen <= right)]
        values += [float(v) for v in late if abs(v) < 1e6]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.05 * (high - low) or max(1.0, 0.01 * abs(high))
    return low - margin, high + margin


def _diverged(item: Drawn, view: View) -> bool:
    """Whether a line ends far from the paper or has a bound that falls, as told by the bound in the charts of other quantities."""
    if view.difference:
        return abs(float(item.summary.mean[-1])) > FAR
    if view.key.startswith("bound"):
        return _falls(item.summary)
    bounds = (summarise([(curve.samples_seen, curve.bound[split]) for curve in item.line.curves]) for split in BOUNDS)
    known = next((bound for bound in bounds if len(bound.mean)), None)
    return _falls(known or item.summary)


def _falls(summary: Summary) -> bool:
    """Whether a curve falls, after its first point, further below it than it ever rises above it."""
    first, rest = summary.low[0], summary.low[1:]
    return bool(len(rest)) and first - rest.min() > max(1.0, summary.high.max() - first)


def outside(drawn: list[Drawn], left: float, low: float, high: float) -> list[str]:
    """Return the names of the lines of which nothing is in view.

    Args:
        drawn: The lines of the chart.
        left: The left end of the chart, training samples.
        low: Its lowest value.
        high: Its highest value.
    """
    names = []
    for item in drawn:
        means = item.summary.mean[item.summary.samples_seen >= left]
        if item.main and not np.any((means >= low) & (means <= high)):
            names.append(item.line.label)
    return names
