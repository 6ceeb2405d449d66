"""The shapes of arrays that are images: grey, with one channel, or in colour.

grey      (N, D), (N, rows, columns), (N, 1, rows, columns) of torch, (N, rows, columns, 1) of Keras
colour    (N, D), (N, rows, columns, 3), (N, 3, rows, columns) of torch
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aevb.data.dataset import ImageShape
from aevb.errors import UserError

__all__ = ["colours_last", "fits", "image_shape_of", "reshaped", "without_channel"]


def without_channel(array: np.ndarray) -> np.ndarray:
    """Remove an axis of one channel.

    Args:
        array: Images.

    Returns:
        (N, rows, columns) where there is such an axis; else the array itself.
    """
    for axis in (1, 3):
        if array.ndim == 4 and array.shape[axis] == 1:
            return array.squeeze(axis)
    return array


def colours_last(array: np.ndarray) -> np.ndarray:
    """Move the axis of three colours behind the columns.

    Args:
        array: Images, (N, rows, columns, 3) or (N, 3, rows, columns).

    Returns:
        (N, rows, columns, 3); an array of another shape itself.
    """
    if array.ndim == 4 and array.shape[3] != 3 and array.shape[1] == 3:
        return np.moveaxis(array, 1, 3)
    return array


def fits(array: np.ndarray, colour: bool) -> bool:
    """Return whether an array can be images.

    Args:
        array: What `without_channel` or `colours_last` returned.
        colour: Whether the images are in colour.
    """
    return 0 not in array.shape and (array.ndim == 2 or array.shape[3:] == (3,) if colour else array.ndim in (2, 3))


def reshaped(array: np.ndarray, colour: bool) -> str:
    """Return what is allowed instead of an array that does not fit, and what to try.

    Args:
        array: The array.
        colour: Whether the images should be in colour.
    """
    if colour:
        allowed = "allowed with data.colour=true: (N, rows, columns, 3), (N, 3, rows, columns) or (N, D), not empty"
        remedy = "x[..., :3]" if array.ndim == 4 and array.shape[3] == 4 else "data.colour=false"
        return f"{allowed}; try: {remedy}"
    allowed = "allowed: (N, D), (N, rows, columns) or one channel of these, not empty"
    if array.ndim == 4 and 0 not in array.shape and 3 in (array.shape[1], array.shape[3]):
        return f"{allowed}; try: data.colour=true"
    if array.ndim == 4 and 0 not in array.shape and array.shape[3] == 4:
        return f"{allowed}; try: x[..., :3] and data.colour=true"
    if array.ndim == 4 and 0 not in array.shape and array.shape[1] == 4:
        return f"{allowed}; try: x[:, :3] and data.colour=true"
    if 0 in array.shape or array.ndim == 0:
        return f"{allowed}; try: an array of at least two images"
    return f"{allowed}; try: {'x[:, None]' if array.ndim == 1 else 'x.reshape(len(x), -1)'}"


def image_shape_of(stored: tuple[int, ...], wanted: Sequence[int] | None, colour: bool, path: Path) -> ImageShape:
    """Return the shape of an image.

    Args:
        stored: That of an image in the file: (D,), (rows, columns) or (rows, columns, 3).
        wanted: The key data.shape; None if it was left out.
        colour: Whether the images are in colour.
        path: The file, for the message.

    Returns:
        (rows, columns), or (rows, columns, 3) in colour.

    Raises:
        UserError: If the wanted shape does not fit, or is needed.
    """
    size, axes = math.prod(stored), 3 if colour else 2
    sides = "[rows,columns,3]" if colour else "[rows,columns]"
    shape = tuple(stored if wanted is None else wanted)
    if wanted is None and len(stored) == 1:
        if colour:
            raise UserError(
                f"data.shape=null: an image in {path} has {size} values, and data.colour=true does not say where; "
                f"allowed: {sides} of them; try: {_colour_remedy(size)}"
            )
        shape = (1, size)
    good = len(shape) == axes and min(shape) > 0 and math.prod(shape) == size and (not colour or shape[2] == 3)
    if not good or (len(stored) > 1 and shape != stored):
        shown = ",".join(map(str, shape))
        remedy = _colour_remedy(size) if colour and len(stored) == 1 else "no data.shape"
        raise UserError(
            f"data.shape=[{shown}]: an image in {path} has shape {stored}; "
            f"allowed: {sides} of {size} {'values' if colour else 'pixels'}; try: {remedy}"
        )
    return shape  # type: ignore[return-value]  # two or three sides, see `good`


def _colour_remedy(size: int) -> str:
    if size % 3:
        return "data.colour=false"
    rows = next(
        rows for rows in range(math.isqrt(size // 3), 0, -1) if size // 3 % rows == 0
    )  # the nearest to a square
    return f"data.shape=[{rows},{size // 3 // rows},3]"
