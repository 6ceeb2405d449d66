"""Legends of long names: fewer columns, broken lines and a higher figure instead of text beyond the edge."""

import matplotlib
import pytest
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from aevb.figures.common.legends import add_legend
from aevb.figures.common.style import RC


def drawn(labels: list[str], ncols: int) -> tuple[Canvas, list[str]]:
    """A figure of 5 x 3 inches with such a legend, and the texts of the legend."""
    with matplotlib.rc_context(RC):
        canvas = Canvas(figsize=(5, 3))
        canvas.add_subplot()
        handles = [Line2D([], [], label=label) for label in labels]
        legend = add_legend(canvas, handles, "outside upper center", ncols)
        assert legend.get_window_extent().width <= canvas.bbox.width
        assert canvas.legends == [legend]
        return canvas, [text.get_text() for text in legend.get_texts()]


def test_short_labels_keep_their_columns() -> None:
    canvas, texts = drawn(["AEVB", "wake-sleep", "test", "train"], 4)
    assert texts == ["AEVB", "wake-sleep", "test", "train"]
    assert canvas.get_figheight() == 3


@pytest.mark.parametrize("length", [30, 120, 400])
def test_long_labels_are_inside_the_figure(length: int) -> None:
    words = " ".join(["model.encoder.activation=tanh,"] * (length // 30))
    canvas, texts = drawn([words, "wake-sleep", "test"], 3)
    assert texts[0].split() == words.split()
    assert ("\n" in texts[0]) == (length > 30)
    assert (canvas.get_figheight() > 3) == (length > 30)
