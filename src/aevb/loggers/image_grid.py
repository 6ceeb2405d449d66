"""Many small grey images as one: near square, a thin border between them."""

import math

import numpy as np
from torch import Tensor

__all__ = ["grey", "grid"]

BORDER = 0.35
WIDTH = 32  # pixels that an image is enlarged to, about


def grey(x: Tensor, shape: tuple[int, int], like: Tensor) -> np.ndarray:
    """x (n, D) as (n, rows, columns) grey levels in [0, 1].

    Black is 0 and white is 1 wherever `like`, the data, stays between them; otherwise they are its extremes.
    """
    low, high = min(0.0, like.min().item()), max(1.0, like.max().item())
    levels = ((x - low) / (high - low)).clamp(0, 1)
    return levels.reshape(-1, *shape).float().cpu().numpy()


def grid(images: np.ndarray) -> np.ndarray:
    """images (n, rows, columns) row by row in a picture about as high as it is wide, (height, width)."""
    n, rows, columns = images.shape
    factor = max(1, round(WIDTH / columns))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    rows, columns = rows * factor, columns * factor
    across = min(n, max(1, round(math.sqrt(n * (rows + 1) / (columns + 1)))))
    down = -(-n // across)
    picture = np.full((down * (rows + 1) + 1, across * (columns + 1) + 1), BORDER, dtype=np.float32)
    for index, image in enumerate(images):
        top, left = index // across * (rows + 1) + 1, index % across * (columns + 1) + 1
        picture[top : top + rows, left : left + columns] = image
    return picture
