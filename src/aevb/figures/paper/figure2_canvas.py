"""The layout of figure 2: a row of panels shares a vertical axis; the paper's curves are the thin, dark ones.

The learning rate and the seeds of each line stand above its panel, in its colour, so that no text lies over a curve.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from aevb.figures.common.learning_curves import band, has_fallen
from aevb.figures.common.legends import add_legend
from aevb.figures.common.method_lines import Line, Panels
from aevb.figures.common.style import PANEL, PAPER_COLOURS, dataset
from aevb.figures.paper import published

__all__ = ["PAPER", "draw"]

DASHES: dict[str, Any] = {"test": "-", "train": (0, (4, 1.6))}
DOTS: dict[str, dict[str, Any]] = {  # of a run with one evaluation point in view, of which no line can be drawn
    "test": {"marker": "o", "markersize": 4.5},
    "train": {"marker": "o", "markersize": 4.5, "markerfacecolor": "none"},
}
PAPER = {"aevb": "AEVB, paper", "wake_sleep": "wake-sleep, paper"}
OUR_WIDTH, PAPER_WIDTH = 1.9, 0.9  # line widths, points
GRID = "#DDDDDD"
NOTE = 8.0  # height of the note of one line above a panel, points


def draw(panels: Panels, right: dict[str, float]) -> Canvas:
    """Draw the figure.

    Args:
        panels: The lines by (data set, latent_dim).
        right: The right end of the horizontal axis by data set, samples.

    Returns:
        The canvas.
    """
    rows = {data: [panel for panel in panels if panel[0] == data] for data in right}
    columns = max(map(len, rows.values()))
    notes = {data: max(len(panels[panel]) for panel in row) for data, row in rows.items()}
    height = PANEL[1] * len(rows) + NOTE * sum(notes.values()) / 72 + 0.8
    canvas = Canvas(figsize=(max(PANEL[0] * columns + 0.4, 5.2), height))
    grid = canvas.add_gridspec(len(rows), columns)
    for i, (data, row) in enumerate(rows.items()):
        first: Axes | None = None
        for j, panel in enumerate(row):
            ax = canvas.add_subplot(grid[i, j], sharey=first)
            ax.set_title(f"{dataset(data)}, $N_z = {panel[1]}$", pad=8 + NOTE * notes[data])
            _panel(ax, panel, panels[panel], right[data])
            ax.tick_params(labelleft=first is None)
            first = first or ax
        assert first is not None
        first.set_ylabel("lower bound (nats)")
        first.set_ylim(*_heights(row, panels, right[data]))
    canvas.supxlabel("training samples seen", fontsize=9)
    handles = _legend(panels, right)
    add_legend(canvas, handles, "outside upper center", _columns(len(handles), columns))
    return canvas


def _columns(handles: int, panels: int) -> int:
    """The number of columns of the legend: one row under wide figures, two rows if it has many entries."""
    return 3 if panels <= 3 else handles if handles <= 7 else (handles + 1) // 2


def left(right: float) -> float:
    """Return the left end of an axis: 1e5 samples as in the paper, fewer for short runs.

    Args:
        right: The right end of the axis, samples.

    Returns:
        The left end, samples.
    """
    return min(1e5, right / 10)


def _panel(ax: Axes, panel: tuple[str, int], lines: list[Line], right: float) -> None:
    for algorithm, split, polyline in published.panel(*panel, right):
        ax.plot(*polyline, color=PAPER_COLOURS[algorithm], linestyle=DASHES[split], linewidth=PAPER_WIDTH, zorder=4)
    for i, line in enumerate(lines):
        for split in ("train", "test"):
            x, mean, low, high, seeds = band(line.curves, split)
            ax.plot(x, mean, color=line.colour, linestyle=DASHES[split], linewidth=OUR_WIDTH, zorder=3.5)
            if _is_dot(line, split, right):  # whole, though it be at an end of the axis
                inside = (x >= left(right)) & (x <= right)
                style = {"color": line.colour, "linestyle": "", "zorder": 3.5, "clip_on": False, **DOTS[split]}
                ax.plot(x[inside], mean[inside], **style)
            low, high = np.where(seeds > 1, low, np.nan), np.where(seeds > 1, high, np.nan)
            ax.fill_between(x, low, high, color=line.colour, alpha=0.25, linewidth=0, zorder=3)
        above = (0, 3 + NOTE * (len(lines) - 1 - i))
        note: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 7}
        ax.annotate(_note(line), (0.5, 1), above, color=line.colour, ha="center", va="bottom", **note)
    ax.set_xscale("log")
    ax.set_xlim(left(right), right)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(axis="y", linewidth=0.3, color=GRID, zorder=0)


def _is_dot(line: Line, split: str, right: float) -> bool:
    x, mean, *_ = band(line.curves, split)
    return int((np.isfinite(mean) & (x >= left(right)) & (x <= right)).sum()) == 1


def _note(line: Line) -> str:
    lr, seeds = line.selection.chosen.lr, len(line.curves)
    learning_rate = "" if lr is None else f"lr {lr:g}, "
    test = band(line.curves, "test")
    at_end, end = int(test.seeds[-1]), f"{test.samples_seen[-1]:.0e}".replace("e+0", "e")
    fewer = f", {at_end} to {end}" if at_end < seeds else ""
    return f"{learning_rate}{seeds} seed{'s' if seeds > 1 else ''}{fewer}"


def _heights(row: list[tuple[str, int]], panels: Panels, right: float) -> tuple[float, float]:
    """The limits of the vertical axis: the second half of every curve (in log samples) is inside them.

    Of training bounds only the last third counts, because they average over much earlier samples. A line that diverged does not
    count beside others.
    """
    values: list[np.ndarray] = [np.array([])]

    def take(split: str, x: np.ndarray, y: np.ndarray) -> None:
        end = min(right, x[-1])
        start = left(right) * (end / left(right)) ** (2 / 3 if split == "train" else 1 / 2)
        values.append(y[(x >= start) & (x <= right)])

    lines = [line for panel in row for line in panels[panel]]
    for line in [line for line in lines if not _diverged(line)] or lines:
        for item in line.curves:
            take("train", item.samples_seen, item.bound["train"])
            take("test", item.samples_seen, item.bound["test"])
    for panel in row:
        for _, split, polyline in published.panel(*panel, right):
            take(split, *polyline)
    joined = np.concatenate(values)
    finite = joined[np.isfinite(joined)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _diverged(line: Line) -> bool:
    """Whether the training bound says so, or a test bound ends below where it began, as that of a model that learns something else."""
    return any(has_fallen(item.run) for item in line.curves) or line.selection.chosen.remark.startswith("diverged")


def _legend(panels: Panels, right: dict[str, float]) -> list[Any]:
    lines = [line for panel_lines in panels.values() for line in panel_lines]
    colours = {line.label: line.colour for line in lines}
    handles: list[Any] = [
        Line2D([], [], color=colour, lw=OUR_WIDTH, label=f"{label}, ours") for label, colour in sorted(colours.items())
    ]
    if any(len(line.curves) > 1 for line in lines):
        handles.append(Patch(color="#808080", alpha=0.25, lw=0, label="lowest to highest seed"))
    shown = {algorithm for panel in panels for algorithm, *_ in published.panel(*panel, right[panel[0]])}
    for algorithm in sorted(shown):
        handles.append(Line2D([], [], color=PAPER_COLOURS[algorithm], lw=PAPER_WIDTH, label=PAPER[algorithm]))
    ends = [(line, right[data]) for (data, _), panel_lines in panels.items() for line in panel_lines]
    for split, dashes in DASHES.items():
        dot = DOTS[split] if any(_is_dot(line, split, end) for line, end in ends) else {}
        handles.append(Line2D([], [], color="black", lw=1.2, ls=dashes, label=split, **dot))
    return handles
