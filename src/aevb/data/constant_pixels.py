"""Pixels that have the same value in every training image.

A density with a learned variance has no upper bound there: the variance shrinks for ever, and training diverges.
"""

from collections.abc import Sequence

import numpy as np

__all__ = ["constant_pixels", "named"]

SHOWN = 5
CHUNK = 4096


def constant_pixels(x: np.ndarray) -> np.ndarray:
    """Return the positions of the constant pixels.

    Args:
        x: Training images, (N, D).

    Returns:
        Positions in 0..D-1, ascending.
    """
    candidates = np.arange(x.shape[1])
    for start in range(0, len(x), CHUNK):  # most pixels are no candidates any more after the first part
        part = x[start : start + CHUNK]
        if len(candidates) < x.shape[1]:
            part = part[:, candidates]
        candidates = candidates[(part == x[0, candidates]).all(0)]
        if not len(candidates):
            break
    return candidates


def named(pixels: Sequence[int] | np.ndarray, data_dim: int) -> str:
    """Return a few words that name constant pixels.

    Args:
        pixels: Their positions, at least one.
        data_dim: Number of pixels, D.

    Returns:
        For example "3 of 64 pixels are constant in the training set (columns 0, 32, 39)".
    """
    more = ", ..." if len(pixels) > SHOWN else ""
    columns = ", ".join(map(str, pixels[:SHOWN]))
    verb = "pixel is" if len(pixels) == 1 else "pixels are"
    return f"{len(pixels)} of {data_dim} {verb} constant in the training set (columns {columns}{more})"
