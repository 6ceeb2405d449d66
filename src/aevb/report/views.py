"""What the charts can show: the bound, its end, its difference from the paper's, and every other column of metrics.csv."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from aevb.figures.common.learning_curves import Curve
from aevb.figures.paper import published
from aevb.report.panels import Line, Panel
from aevb.report.quantities import in_words
from aevb.report.statistics import Summary, summarise
from aevb.runs.units import column_unit

__all__ = ["View", "paper_curves", "series", "views"]

SPLITS = ("test", "train", "valid")
NAMES = {
    "bound": "lower bound",
    "log_px": "log p(x), importance sampling",
    "reconstruction": "reconstruction",
    "kl": "KL",
}


class View(NamedTuple):
    """One set of charts.

    Attributes:
        key: The name in element ids.
        title: The text of its button.
        columns: The column of metrics.csv by split; the first is drawn in full, with seeds and a
            band.
        paper: Whether the curves of the paper belong to it.
        difference: Whether it shows ours minus the paper's.
        tail: Whether it shows the last decade of samples only.
        unit: The unit of its numbers; empty if they have none.
    """

    key: str
    title: str
    columns: dict[str, str]
    paper: bool = False
    difference: bool = False
    tail: bool = False
    unit: str = "nats"


def views(panels: list[Panel]) -> list[View]:
    """Return the views for which there are numbers.

    Args:
        panels: The panels.
    """
    runs = [item.run for panel in panels for line in panel.lines for item in line.curves]
    columns: dict[str, None] = {}
    for run in runs:
        columns |= {
            name: None for name, values in run.metrics().items() if name not in columns and np.isfinite(values).any()
        }
    choices: dict[str, dict[str, str]] = {}
    for column in columns:
        split, _, quantity = column.partition("_")
        if column != "samples_seen":
            known = split in SPLITS and quantity
            choices.setdefault(quantity if known else column, {})[split if known else "run"] = column
    order = sorted(
        choices, key=lambda quantity: (quantity not in NAMES, list(NAMES).index(quantity) if quantity in NAMES else 0)
    )
    result: list[View] = []
    for quantity in order:
        chosen = {split: choices[quantity][split] for split in (*SPLITS, "run") if split in choices[quantity]}
        title = NAMES.get(quantity, in_words(quantity))
        result.append(View(quantity, title, chosen, paper=quantity == "bound", unit=column_unit(quantity)))
        if quantity == "bound":
            result.append(View("bound-end", "lower bound, last decade", chosen, paper=True, tail=True))
            if any(_paper(panel, line, "test") for panel in panels for line in panel.lines):
                result.append(View("difference", "difference from the paper", chosen, difference=True))
    return result


def series(
    view: View, panel: Panel, line: Line, split: str
) -> tuple[list[tuple[Curve, np.ndarray, np.ndarray]], Summary]:
    """Return the seeds' curves of a line, (run's curve, samples_seen, value), and their summary.

    Args:
        view: What is shown.
        panel: The panel.
        line: One of its lines.
        split: One of the view's splits.
    """
    paper = _paper(panel, line, split) if view.difference else None
    published_at = _at_points(paper) if paper is not None else None
    seeds = [
        (item, item.samples_seen, values)
        for item in line.curves
        if (values := item.run.metrics().get(view.columns[split])) is not None
    ]
    if view.difference:
        seeds = [(item, x, y - published_at(tuple(x.tolist()))) for item, x, y in seeds] if published_at else []
    rows = [y for _, _, y in seeds]
    if rows and not (all(map(len, rows)) and np.isfinite(np.concatenate(rows)).all()):
        seeds = [(item, x[kept], y[kept]) for item, x, y in seeds if (kept := np.isfinite(y)).any()]
    return seeds, summarise([(x, y) for _, x, y in seeds])


def _at_points(paper: published.Polyline) -> Callable[[tuple[int, ...]], np.ndarray]:
    # The paper's curve at the evaluation points of a run; most seeds have the same ones.
    return cache(lambda points: np.array([paper.at(float(point)) for point in points]))


def paper_curves(view: View, panel: Panel, right: float) -> Iterator[tuple[str, str, published.Polyline]]:
    """Yield the curves of the paper that belong into a chart.

    Args:
        view: The view.
        panel: The panel.
        right: The end of the chart, training samples.

    Yields:
        The algorithm, the split and the curve.
    """
    if view.paper and panel.is_in_paper:
        shown = {line.published for line in panel.lines}
        for algorithm, split, polyline in published.panel(panel.data, panel.latent_dim, right):
            if algorithm in shown:
                yield algorithm, split, polyline


def _paper(panel: Panel, line: Line, split: str) -> published.Polyline | None:
    if not (panel.is_in_paper and any(np.isfinite(item.bound["test"]).any() for item in line.curves)):
        return None  # as of figure 3, whose runs have other networks and no test bound
    return published.figure2().get((panel.data, panel.latent_dim, line.published or "", split))
