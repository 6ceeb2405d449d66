"""The picture of the verdict: the differences of the test curves, one panel per data set, one line per curve."""

from itertools import chain, zip_longest
from typing import Any

from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from aevb.figures.common.style import dataset
from aevb.figures.paper.paper_comparison import DIGITISATION, TOLERANCE

__all__ = ["draw_verdict"]

COLOURS = {"matches": "#009E73", "better": "#0072B2", "worse": "#D55E00"}
MARKERS = "osD^v"
BAND = "#EEEEEE"


def draw_verdict(rows: list[dict[str, Any]]) -> Canvas:
    """Draw the differences.

    Args:
        rows: Rows of `aevb.figures.paper.paper_comparison.compare`.

    Returns:
        The picture. A bar runs from the lowest to the highest seed; the grey band is the tolerance.
    """
    tests = [row for row in rows if row["split"] == "test"]
    data = list(dict.fromkeys(row["data"] for row in tests))
    keys = {name: list(dict.fromkeys(_key(row) for row in tests if row["data"] == name)) for name in data}
    points = sorted({row["samples_seen"] for row in tests})
    tallest = max((len(names) for names in keys.values()), default=1)
    canvas = Canvas(figsize=(4.3 * max(1, len(data)), 0.27 * tallest + 1.5))
    for i, name in enumerate(data):
        ax = canvas.add_subplot(1, len(data), i + 1)
        ax.set_title(dataset(name))
        band = TOLERANCE + DIGITISATION[name]
        ax.axvspan(-band, band, color=BAND, zorder=0)
        ax.axvline(0, color="black", linewidth=0.6, zorder=1)
        for row in (row for row in tests if row["data"] == name):
            shift = 0.16 * (points.index(row["samples_seen"]) - (len(points) - 1) / 2)
            y = keys[name].index(_key(row)) + shift
            bar = [[row["ours"] - row["lowest"]], [row["highest"] - row["ours"]]]
            style: dict[str, Any] = {"color": COLOURS[row["verdict"]], "markersize": 4, "linewidth": 1}
            marker = MARKERS[points.index(row["samples_seen"]) % len(MARKERS)]
            ax.errorbar(row["difference"], y, xerr=bar, marker=marker, linestyle="none", zorder=3, **style)
        ax.set_xscale("symlog", linthresh=2)  # a difference of a hundred nats must not hide one of two
        ax.xaxis.set_major_formatter(FuncFormatter(_signed))
        ax.set_yticks(range(len(keys[name])), keys[name])
        ax.set_ylim(len(keys[name]) - 0.5, -0.5)
        ax.grid(axis="y", linewidth=0.3, color="#DDDDDD", zorder=0)
        ax.set_xlabel("test bound, ours − paper (nats)")
    if data:
        _legend(canvas, points, len(data))
    return canvas


def _legend(canvas: Canvas, points: list[int], panels: int) -> None:
    # One row for the evaluation points, one for the verdicts and what else is drawn. A legend is filled column by column.
    style: dict[str, Any] = {"linestyle": "none"}
    markers: list[Any] = [
        Line2D([], [], marker=MARKERS[i % len(MARKERS)], color="black", markersize=4, label=f"{x:,} samples", **style)
        for i, x in enumerate(points)
    ]
    words: list[Any] = [
        Line2D([], [], marker="s", color=colour, markersize=5, label=word, **style) for word, colour in COLOURS.items()
    ]
    words.append(Patch(color=BAND, label="tolerance of a match"))
    words.append(Line2D([], [], color="black", linewidth=1, label="lowest to highest seed"))
    if panels == 1:
        canvas.legend(handles=markers + words, loc="outside upper center", ncols=2)
        return
    empty = Line2D([], [], label=" ", **style)
    handles = list(chain.from_iterable(zip_longest(markers, words, fillvalue=empty)))
    canvas.legend(handles=handles, loc="outside upper center", ncols=len(handles) // 2)


def _signed(value: float, position: int | None) -> str:
    return f"{value:+g}".replace("-", "\N{MINUS SIGN}") if value else "0"


def _key(row: dict[str, Any]) -> str:
    return f"$N_z = {row['latent_dim']}$, {row['method']}"
