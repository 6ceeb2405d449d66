"""One panel of learning curves as SVG: seeds thin, their mean thick, a band over seeds, the paper's curve in black."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from aevb.figures.common.style import number
from aevb.figures.paper.published import Polyline
from aevb.report.chart_axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, axes
from aevb.report.chart_lines import Drawn, heights, outside
from aevb.report.panels import Panel, line_key
from aevb.report.quantities import short
from aevb.report.ranking import Ranked, ranking
from aevb.report.scales import Scale
from aevb.report.statistics import Summary
from aevb.report.svg import area, element, path
from aevb.report.views import View, paper_curves

__all__ = ["Chart", "draw"]

DECADES = 3  # of samples that a chart shows, up to its end
NARROWEST = 1.1  # times as many samples at the end as at the beginning, so that three digits tell its labels apart
MARKERS = ("circle", "square", "triangle", "diamond", "bar")
CORNERS: dict[str, list[tuple[float, float]]] = {
    "triangle": [(0, -3), (2.8, 2), (-2.8, 2)],
    "diamond": [(0, -3.3), (3.3, 0), (0, 3.3), (-3.3, 0)],
    "bar": [(-2.6, -0.8), (2.6, -0.8), (2.6, 0.8), (-2.6, 0.8)],
}
"""Of markers, pixels from their middle."""
MOST_SEEDS = 100  # of a line that are drawn thin; the mean and the band are of all
MOST_VERTICES = 100  # of a curve of the paper


class Key(NamedTuple):
    """An entry of a legend.

    Attributes:
        line: What stands for the line in the page.
        label: Its name in the panel.
        style: The index of the colour and the dash.
    """

    line: str
    label: str
    style: int


class Chart(NamedTuple):
    """A chart.

    Attributes:
        svg: The picture.
        title: The heading.
        rows: The numbers of the means, for the table below the picture.
        seeds: The number of seeds behind a line, in words.
        banded: Whether a line has several seeds, and so a band.
        outside: The lines of which nothing is in view, as of runs that diverged.
        keys: The legend of its lines; none if the lines are named in the picture.
        papers: The algorithms of the paper that are drawn beside them.
    """

    svg: Markup
    title: str
    rows: list[dict[str, object]]
    seeds: str
    banded: bool
    outside: list[str]
    keys: list[Key]
    papers: list[str]


def draw(view: View, panel: Panel, drawn: list[Drawn], identifier: str) -> Chart | None:
    """Draw a panel.

    Args:
        view: What is shown.
        panel: The panel.
        drawn: Its `lines_of` the view.
        identifier: A unique id for the labels of the chart.

    Returns:
        The chart; None if the view has no numbers in this panel.
    """
    if not drawn:
        return None
    if not any(item.main for item in drawn):  # a training bound alone, as in the runs of Figure 3
        drawn = [item._replace(main=True) for item in drawn]
    if all(len(item.summary.mean) == 1 for item in drawn):
        return _single_points(view, panel, drawn, identifier)
    right = float(max(item.summary.samples_seen[-1] for item in drawn))
    first = float(min(max(1, item.summary.samples_seen[0]) for item in drawn))
    start = min(first, right / NARROWEST) if first < right else right / 10  # a single point has a decade before it
    left = max(start, right / 10 ** (1 if view.tail else DECADES))
    papers = [(name, split, curve) for name, split, curve in paper_curves(view, panel, right) if split in view.columns]
    x = Scale(left, right, LEFT, WIDTH - RIGHT, logarithmic=True)
    low, high = heights(drawn, papers, left, right, view)
    y = Scale(low, high, HEIGHT - BOTTOM, TOP)
    inside = [element("path", d=path([(x(left), y(0)), (x(right), y(0))]), class_="zero")] if view.difference else []
    inside += [_paper_curve(*paper, x, y, left) for paper in papers]
    inside += [_curve(item, x, y, left, view) for item in drawn]
    plot = element(
        "svg",
        Markup("").join(inside),
        x=LEFT,
        y=TOP,
        width=WIDTH - LEFT - RIGHT,
        height=HEIGHT - TOP - BOTTOM,
        viewBox=f"{LEFT} {TOP} {WIDTH - LEFT - RIGHT} {HEIGHT - TOP - BOTTOM}",
    )
    title, description = element("title", f"{panel.title}: {view.title}"), element("desc", _description(drawn, view))
    svg = element(
        "svg",
        Markup("").join([title, description, *axes(x, y, view.unit or view.title), plot]),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="chart",
        data_plot=f"{LEFT} {WIDTH - RIGHT} {left:g} {right:g}",
        id=identifier,
    )
    rows = [row for item in drawn if item.main for row in _rows(item, left, view)]
    banded = any(item.main and len(item.seeds) > 1 for item in drawn)
    keys = list(dict.fromkeys(Key(line_key(item.line.name), item.line.label, item.line.style) for item in drawn))
    shown = sorted({algorithm for algorithm, _, _ in papers})
    return Chart(svg, panel.title, rows, _counts(drawn), banded, outside(drawn, left, low, high), keys, shown)


def _single_points(view: View, panel: Panel, drawn: list[Drawn], identifier: str) -> Chart | None:
    """The chart of runs that were evaluated once; the view of the last decade would be the same, and is left out."""
    if view.tail:
        return None
    main = [item for item in drawn if item.main]
    rows = [
        Ranked(
            item.line.label,
            float(item.summary.mean[0]),
            float(item.summary.low[0]),
            float(item.summary.high[0]),
            _group(item),
        )
        for item in main
    ]
    parts, height = ranking(rows, view.difference, view.unit, view.title)
    title, description = element("title", f"{panel.title}: {view.title}"), element("desc", _description(drawn, view))
    content = Markup("").join([title, description, *parts])
    svg = element("svg", content, viewBox=f"0 0 {WIDTH} {height}", role="img", class_="chart", id=identifier)
    points = sorted({int(item.summary.samples_seen[0]) for item in main})
    at = f"{points[0]:,}" if len(points) == 1 else f"{points[0]:,} to {points[-1]:,}"
    numbers = [row for item in main for row in _rows(item, 1, view)]
    return Chart(svg, panel.title, numbers, f"{_counts(drawn)}, at {at} samples", False, [], [], [])


def _group(item: Drawn) -> dict[str, str]:
    """The attributes of the group of everything that belongs to a line, so that it can be hidden as a whole."""
    runs = " ".join(index for index, _, _ in item.seeds)
    names = {"class_": f"line s{item.line.style} {item.split}", "data_line": line_key(item.line.name)}
    return {**names, "data_runs": runs}


def _paper_curve(algorithm: str, split: str, curve: Polyline, x: Scale, y: Scale, left: float) -> Markup:
    kept = np.unique(np.linspace(0, len(curve.value) - 1, MOST_VERTICES).astype(int))
    vertices = zip(curve.samples_seen[kept], curve.value[kept], strict=True)
    d = path((x(float(a)), y(float(b))) for a, b in vertices if a >= left / 2)
    name = f"paper, {algorithm.replace('_', '-')}, {split}"
    return element("path", element("title", name), d=d, class_=f"paper p-{algorithm} {split}")


def _curve(item: Drawn, x: Scale, y: Scale, left: float, view: View) -> Markup:
    summary = _from(item.summary, left)
    points = [(x(float(a)), y(float(b))) for a, b in zip(summary.samples_seen, summary.mean, strict=True)]
    parts: list[Markup] = []
    if item.main:
        parts += _bands(summary, x, y)
        if len(item.seeds) > 1:
            for index, xs, ys in item.seeds[:MOST_SEEDS]:
                first = _first(xs, left)
                d = path((x(float(a)), y(float(b))) for a, b in zip(xs[first:], ys[first:], strict=True))
                parts.append(element("path", d=d, class_="seed", data_run=index))
    parts.append(element("path", d=path(points), class_=f"mean {'main' if item.main else 'other'}"))
    if item.main:
        parts += _dots(item, summary, points, left, named=view.key == "bound")
    return element("g", Markup("").join(parts), **_group(item))


def _bands(summary: Summary, x: Scale, y: Scale) -> list[Markup]:
    half = summary.half_width()
    several, three = summary.seeds > 1, summary.seeds > 2
    kinds = {
        "range": (summary.low, summary.high, several),
        "deviation": (summary.mean - summary.deviation, summary.mean + summary.deviation, three),
        "interval": (summary.mean - half, summary.mean + half, three),
    }
    bands = []
    for kind, (low, high, kept) in kinds.items():
        points = [
            (x(float(a)), y(float(b)), y(float(c)))
            for a, b, c in zip(summary.samples_seen[kept], low[kept], high[kept], strict=True)
        ]
        if d := area(points):
            bands.append(element("path", d=d, class_=f"band b-{kind}"))
    return bands


def _first(samples_seen: np.ndarray, left: float) -> int:
    """The index of the last point before the left end of the axis, from which on a curve can be seen."""
    return max(0, int(np.searchsorted(samples_seen, left, "right")) - 1)


def _from(summary: Summary, left: float) -> Summary:
    first = _first(summary.samples_seen, left)
    return Summary(*(values[first:] for values in summary))


def _dots(
    item: Drawn, summary: Summary, points: list[tuple[float, float]], left: float, named: bool
) -> Iterator[Markup]:
    """The marks of a mean: each with its numbers, or all of them as one path."""
    marker = MARKERS[item.line.style % len(MARKERS)]
    kind = "dot" if marker in CORNERS else f"dot {marker}"
    shapes = []
    for (px, py), seen, mean, count in zip(points, summary.samples_seen, summary.mean, summary.seeds, strict=True):
        if seen < left or not (math.isfinite(px) and math.isfinite(py)):
            continue
        shapes.append(_marker(marker, px, py))
        if named:
            title = f"{int(seen):,}: {number(float(mean))} ({_seeds(int(count))})"
            yield element("path", element("title", title), d=shapes[-1], class_=kind)
    if shapes and not named:
        yield element("path", d="".join(shapes), class_=kind)


def _marker(marker: str, px: float, py: float) -> str:
    # A circle and a square are the ends of a line without length, as the style sheet draws them.
    corners = CORNERS.get(marker)
    return path((px + a, py + b) for a, b in corners) + "Z" if corners else path([(px, py)]) + "h0"


def _rows(item: Drawn, left: float, view: View) -> list[dict[str, object]]:
    summary, rows = item.summary, []
    for i, seen in enumerate(summary.samples_seen):
        last = i == len(summary.samples_seen) - 1
        if seen >= left and (view.key == "bound" or last or math.log10(seen).is_integer()):
            several = summary.seeds[i] > 1
            rows.append(
                {
                    "line": item.line.label,
                    "samples_seen": int(seen),
                    "seeds": int(summary.seeds[i]),
                    "mean": float(summary.mean[i]),
                    "lowest": float(summary.low[i]) if several else None,
                    "highest": float(summary.high[i]) if several else None,
                    "deviation": float(summary.deviation[i]) if several else None,
                }
            )
    return rows


def _description(drawn: list[Drawn], view: View) -> str:
    ends = [
        f"{item.line.label} {short(float(item.summary.mean[-1]), view.unit)}{view.unit and f' {view.unit}'} "
        f"at {int(item.summary.samples_seen[-1]):,} samples ({_seeds(int(item.summary.seeds[-1]))})"
        for item in drawn
        if item.main
    ]
    return f"{view.title} of the {drawn[0].split} split against training samples seen. At the end: {'; '.join(ends)}."


def _counts(drawn: list[Drawn]) -> str:
    counts = {len(item.seeds) for item in drawn if item.main}
    text = f"n = {min(counts)}" if len(counts) == 1 else f"n = {min(counts)} to {max(counts)}"
    return f"{text}, of which {MOST_SEEDS} are drawn" if max(counts) > MOST_SEEDS else text


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count != 1)}"
