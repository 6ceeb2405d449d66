"""One file of a folder of images: its size and its pixels of 8 bits, or the line that says why it is refused."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from aevb.errors import UserError
from aevb.files.regular import open_regular

__all__ = ["pixels_of", "size_of"]

EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
GREY = ("1", "L", "LA")
MAX_PIXELS = 1 << 24
"""Pixels of an image at most: larger ones are no data for these models, and may be decompression bombs."""


def size_of(path: Path, root: Path) -> tuple[int, int]:
    """Return the size of an image, (rows, columns).

    Args:
        path: The file.
        root: The folder of all images, which messages leave out.

    Raises:
        UserError: If it is no image, or a very large one.
    """
    with _opened(path, root) as image:
        columns, rows = image.size
    if rows * columns > MAX_PIXELS:
        name = path.relative_to(root)
        raise UserError(f"{name} has {rows} x {columns} pixels; allowed: {MAX_PIXELS:,}; try: smaller images")
    return rows, columns


def pixels_of(path: Path, root: Path, size: tuple[int, int], mode: str) -> tuple[np.ndarray, bool]:
    """Read an image.

    Args:
        path: The file.
        root: The folder of all images, which messages leave out.
        size: The (rows, columns) that it must have.
        mode: "L" for grey levels, "RGB" for colour.

    Returns:
        (rows, columns) or (rows, columns, 3), uint8, and whether the file is in colour.

    Raises:
        UserError: If it is no image, or has another size or more than 8 bits.
    """
    name = path.relative_to(root)
    with _opened(path, root) as image:
        columns, rows = image.size
        if (rows, columns) != size:
            raise UserError(
                f"{name} has {rows} x {columns} pixels, the first image {size[0]} x {size[1]}; allowed: one size; "
                f"try: image.resize(({size[1]}, {size[0]})) with Pillow"
            )
        if image.mode not in EIGHT_BITS:
            raise UserError(
                f"{name} has mode {image.mode}; allowed: 8 bits for each pixel; try: an .npy file of floats for others"
            )
        return np.asarray(image.convert(mode)), image.mode not in GREY


@contextmanager
def _opened(path: Path, root: Path) -> Iterator[Image.Image]:
    # Whatever Pillow raises at a damaged file becomes one line. Its warnings concern metadata and transparency, not the
    # pixels that are read here; only that of a decompression bomb is a refusal.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with open_regular(os.path.realpath(path)) as file, Image.open(file) as image:
                yield image
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f"{path.relative_to(root)} is no image; try: remove or replace it") from error
    except Exception as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path.relative_to(root)} is no image ({reason}); try: remove or replace it") from error
