"""Drawing of images on axes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

__all__ = ["GAP", "drawn_aspect", "show"]

EDGE = "#BFBFBF"
GAP = 3
"""The gap between independent images, pixels (see `aevb.data.image_grid`)."""
WIDEST = 4.0
"""Largest width of an image on a page, in units of its height: a row of a table is drawn higher than it is."""
STRIP = 24
"""A picture that is wider than this, in units of its height, fills its axes."""


def drawn_aspect(shape: Sequence[int]) -> float:
    """Return the width of an image on a page, in units of its height.

    Args:
        shape: (rows, columns) of the image; one row for a table.
    """
    return min(shape[1] / shape[0], WIDEST)


def show(ax: Axes, picture: np.ndarray, extent: tuple[float, float, float, float] | None = None) -> None:
    """Draw a picture, grey or in colour, without ticks.

    Black is 0 and white is 1; values outside [0, 1] extend this range of a grey picture, and are clipped in colour.

    Args:
        ax: The axes to draw on.
        picture: Levels, (height, width), or (height, width, 3) in colour.
        extent: Left, right, bottom and top in data coordinates; None for pixel coordinates.
    """
    if picture.ndim == 3:
        picture = picture.clip(0, 1)
    low, high = min(0.0, float(picture.min())), max(1.0, float(picture.max()))
    ax.imshow(picture, cmap="gray", vmin=low, vmax=high, interpolation="nearest", extent=extent)
    if extent is None and picture.shape[1] > STRIP * picture.shape[0]:
        ax.set_aspect("auto")  # rows of a table
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_color(EDGE)
