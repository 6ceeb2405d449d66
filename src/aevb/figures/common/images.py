"""Many images as one picture, and pictures on axes. Axes: n images, each (rows, columns)."""

import numpy as np
from matplotlib.axes import Axes

__all__ = ["GAP", "show", "tile"]

EDGE = "#BFBFBF"
BETWEEN = 0.75  # the same grey
GAP = 3  # pixels of a picture between images that stand for themselves
WIDTH = 56  # pixels that an image is enlarged to, about, so that a gap can be thin


def tile(images: np.ndarray, across: int, gap: int = 0) -> np.ndarray:
    """images (n, rows, columns), enlarged, as a picture with `across` of them in a row, read like text.

    gap: pixels of the picture between neighbours, light grey as places left over in the last row.
    """
    factor = max(1, round(WIDTH / images.shape[2]))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    n, rows, columns = images.shape
    down = -(-n // across)
    height, width = down * (rows + gap) - gap, across * (columns + gap) - gap
    picture = np.full((height, width), BETWEEN, dtype=images.dtype)
    for index, image in enumerate(images):
        top, left = index // across * (rows + gap), index % across * (columns + gap)
        picture[top : top + rows, left : left + columns] = image
    return picture


def show(ax: Axes, picture: np.ndarray, extent: tuple[float, float, float, float] | None = None) -> None:
    """`picture` in grey: black is 0 and white 1 wherever it stays between them, else its own extremes. No ticks."""
    low, high = min(0.0, float(picture.min())), max(1.0, float(picture.max()))
    ax.imshow(picture, cmap="gray", vmin=low, vmax=high, interpolation="nearest", extent=extent)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_color(EDGE)
