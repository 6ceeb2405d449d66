"""Legends that fit their figure: names of methods and runs may be long, and a legend wider than the page would be cut."""

import textwrap
from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.figure import Figure as Canvas
from matplotlib.legend import Legend
from matplotlib.text import Text

__all__ = ["add_legend"]

LINE = 0.17  # height of a line of a legend, inches


def add_legend(
    canvas: Canvas,
    handles: Sequence[Any],
    loc: Literal["outside upper center", "outside lower center"],
    ncols: int,
    **style: Any,
) -> Legend:
    """Add a legend above or below all panels, with as many columns as fit.

    Labels that are wider than the figure even in one column are broken into lines. For every line that is added, the figure
    becomes higher.

    Args:
        canvas: The figure.
        handles: The entries, each with a label.
        loc: "outside upper center" or "outside lower center".
        ncols: The number of columns where there is room.
        style: Further arguments of the legend.

    Returns:
        The legend.
    """
    ncols = max(1, min(ncols, len(handles)))
    wanted = -(-len(handles) // ncols)
    legend = canvas.legend(handles=handles, loc=loc, ncols=ncols, **style)
    while ncols > 1 and _width(legend) > canvas.bbox.width:
        ncols -= 1
        legend.remove()
        legend = canvas.legend(handles=handles, loc=loc, ncols=ncols, **style)
    lines = -(-len(handles) // ncols)
    if _width(legend) > canvas.bbox.width:
        lines = sum(map(_wrapped, legend.get_texts(), [canvas.bbox.width] * len(handles)))
    if lines > wanted:
        canvas.set_figheight(canvas.get_figheight() + LINE * (lines - wanted))
    return legend


def _width(legend: Legend) -> float:
    return float(legend.get_window_extent().width)


def _wrapped(text: Text, width: float) -> int:
    # Breaks a label that is too wide; returns its number of lines.
    room = 0.85 * width / text.get_window_extent().width  # beside the handle
    words = text.get_text()
    if room < 1:
        text.set_text(textwrap.fill(words, max(8, int(room * len(words))), break_on_hyphens=False))
    return text.get_text().count("\n") + 1
