"""The layout of figure 3: a panel for each number of training images; the paper's curves are the thin, dark ones."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from aevb.figures.common.learning_curves import Band
from aevb.figures.common.legends import add_legend
from aevb.figures.common.style import METHODS, PAPER_COLOURS
from aevb.figures.paper import published
from aevb.figures.paper.figure3_lines import ESTIMATORS, MarginalLine

__all__ = ["draw"]

DASHES: dict[str, Any] = {"test": "-", "train": (0, (4, 1.6))}
SIZE = (3.6, 3.0)
OUR_WIDTH, PAPER_WIDTH = 1.9, 0.9
FLOOR = -160.0
"""What lies below is cut early in training, as the paper does, nats."""


def draw(panels: dict[int, list[MarginalLine]], right: float) -> Canvas:
    """Draw the figure.

    Args:
        panels: The lines by the number of training images.
        right: The right end of the horizontal axis, samples.

    Returns:
        The canvas.
    """
    canvas = Canvas(figsize=(SIZE[0] * len(panels), SIZE[1] + 0.8))
    for i, (n_train, lines) in enumerate(panels.items()):
        ax = canvas.add_subplot(1, len(panels), i + 1)
        ax.set_title(f"$N_{{train}} = {n_train:,}$".replace(",", "{,}"))
        if any(line.published for line in lines):
            _draw_published(ax, n_train, right)
        for line in lines:
            _draw_line(ax, line)
        _axes(ax, right)
        _below(ax, lines)
    canvas.axes[0].set_ylabel("log p(x) (nats)")
    every = [line for lines in panels.values() for line in lines]
    add_legend(canvas, _legend(every), "outside upper center", min(4, 1 + len(panels)))
    return canvas


def _shown(line: MarginalLine, split: str) -> Band | None:
    """Return the band of the first estimator that the line has; None if it has none."""
    return next((item for name in ESTIMATORS if (item := line.band(split, name)) is not None), None)


def _draw_published(ax: Axes, n_train: int, right: float) -> None:
    for (size, algorithm, split), line in published.figure3().items():
        if size == n_train and line.samples_seen[0] < right:
            style: dict[str, Any] = {"color": PAPER_COLOURS[algorithm], "linestyle": DASHES[split]}
            ax.plot(*line.until(right), linewidth=PAPER_WIDTH, zorder=4, **style)


def _draw_line(ax: Axes, line: MarginalLine) -> None:
    colour = line.colour
    for split, dashes in DASHES.items():
        if (item := _shown(line, split)) is not None:
            style: dict[str, Any] = {"linestyle": dashes, "linewidth": OUR_WIDTH, "marker": "o", "markersize": 2.6}
            ax.plot(item.samples_seen, item.mean, color=colour, zorder=3, **style)
            low, high = (np.where(item.seeds > 1, end, np.nan) for end in (item.low, item.high))
            ax.fill_between(item.samples_seen, low, high, color=colour, alpha=0.25, linewidth=0, zorder=2.5)


def _axes(ax: Axes, right: float) -> None:
    ax.set_xscale("log")
    ax.set_xlim(_left(ax, right), right)
    low, high = _heights(ax)
    ax.set_ylim(low, high)
    for curve in ax.lines:
        if curve.get_marker() == "o" and float(np.min(curve.get_ydata())) >= low:
            curve.set_clip_on(False)  # whole markers at the right end
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(axis="y", linewidth=0.3, color="#DDDDDD", zorder=0)
    ax.set_xlabel("training samples seen")


def _left(ax: Axes, right: float) -> float:
    # Just before the first point of the panel that is high enough to be seen, so that no half of a panel is empty.
    x, y = np.concatenate([_points(line) for line in ax.lines], axis=1)
    visible = x[y > FLOOR] if (y > FLOOR).any() else x
    return max(1e5 if right > 1e6 else right / 10, 0.8 * float(visible.min()))


def _points(line: Line2D) -> np.ndarray:
    return np.array([line.get_xdata(), line.get_ydata()], dtype=float)


def _heights(ax: Axes) -> tuple[float, float]:
    left, right = ax.get_xlim()
    values: list[float] = []
    for line in ax.lines:
        x, y = _points(line)
        values += list(y[(x >= left) & (x <= right) & (y > FLOOR)])
    low, high = (min(values), max(values)) if values else (FLOOR, FLOOR + 60)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _below(ax: Axes, lines: list[MarginalLine]) -> None:
    # A line below the axis is named with its last value on the test images.
    low = ax.get_ylim()[0]
    for line in lines:
        item = _shown(line, "test")
        if item is not None and max(item.mean) < low:
            text = f"{line.label}, test: {item.mean[-1]:.0f} nats \N{BLACK DOWN-POINTING SMALL TRIANGLE}"
            at = (float(item.samples_seen[-1]), low)
            inner = "right" if at[0] > np.sqrt(np.prod(ax.get_xlim())) else "left"
            style: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7, "ha": inner}
            # Lines do not cross the words.
            style["bbox"] = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
            ax.annotate(text.replace("-", "\N{MINUS SIGN}"), at, (0, 3), color=line.colour, zorder=5, **style)


def _legend(lines: list[MarginalLine]) -> list[Any]:
    names = {line.label: line.colour for line in lines}
    handles: list[Any] = [
        Line2D([], [], color=colour, lw=OUR_WIDTH, label=f"{name}, ours") for name, colour in names.items()
    ]
    for algorithm, colour in PAPER_COLOURS.items() if any(line.published for line in lines) else ():
        name = next(item.label for item in METHODS.values() if item.published == algorithm)
        handles.append(Line2D([], [], color=colour, lw=PAPER_WIDTH, label=f"{name}, paper"))
    handles += [Line2D([], [], color="black", lw=1.2, ls=dashes, label=split) for split, dashes in DASHES.items()]
    if any(len(line.curves) > 1 for line in lines):
        handles.append(Patch(color="#808080", alpha=0.25, lw=0, label="lowest to highest seed"))
    return handles
