"""Drawing of images on axes."""

import numpy as np
from matplotlib.axes import Axes

__all__ = ["GAP", "show"]

EDGE = "#BFBFBF"
GAP = 3
"""The gap between independent images, pixels (see `aevb.data.image_grid`)."""


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
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_color(EDGE)
