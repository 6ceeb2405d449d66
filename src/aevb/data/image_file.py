"""One file of a folder of images: its size and its pixels of 8 bits, or the line that says why it is refused."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from aevb.errors import UserError
from aevb.files.regular import open_regular

__all__ = ["Pixels", "pixels_of", "size_of"]

EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
GREY = ("1", "L", "LA")
SEQUENCES = ("TIFF", "PNG", "WEBP")
"""Formats whose further pages or frames are images of their own; those of a JPEG are previews of a camera."""
UPRIGHT = 1  # values of the EXIF orientation
ON_THEIR_SIDE = (5, 6, 7, 8)
MAX_PIXELS = 1 << 24
"""Pixels of an image at most: larger ones are no data for these models, and may be decompression bombs."""


class Pixels(NamedTuple):
    """An image of a file.

    Attributes:
        values: (rows, columns) or (rows, columns, 3), uint8.
        coloured: Whether the file is in colour.
        transparent: Whether a pixel of it is not opaque; `values` holds the colour behind its transparency.
    """

    values: np.ndarray
    coloured: bool
    transparent: bool


def size_of(path: Path, root: Path) -> tuple[int, int]:
    """Return the size of an image, (rows, columns), as it is looked at.

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
        return (columns, rows) if _orientation(image, path, root) in ON_THEIR_SIDE else (rows, columns)


def pixels_of(path: Path, root: Path, size: tuple[int, int], mode: str) -> Pixels:
    """Read an image; one that a camera has stored on its side or upside down is turned, as its EXIF orientation says.

    Args:
        path: The file.
        root: The folder of all images, which messages leave out.
        size: The (rows, columns) that it must have.
        mode: "L" for grey levels, "RGB" for colour.

    Returns:
        Its pixels.

    Raises:
        UserError: If it is no image, or has another size, more than 8 bits or more than one page.
    """
    name = path.relative_to(root)
    with _opened(path, root) as image:
        columns, rows = image.size
        has_more_bits = _has_more_bits(image)
        # The orientation may stand behind the pixels of a PNG, which are read for it: not for an image of another size.
        orientation = _orientation(image, path, root) if rows * columns == size[0] * size[1] else UPRIGHT
        if orientation in ON_THEIR_SIDE:
            rows, columns = columns, rows
        if (rows, columns) != size:
            raise UserError(
                f"{name} has {rows} x {columns} pixels, the first image {size[0]} x {size[1]}; allowed: one size; "
                f"try: image.resize(({size[1]}, {size[0]})) with Pillow"
            )
        if image.mode not in EIGHT_BITS:
            raise UserError(
                f"{name} has mode {image.mode}; allowed: 8 bits for each pixel; try: an .npy file of floats for others"
            )
        if has_more_bits:
            raise UserError(
                f"{name} has 16 bits for each channel; allowed: 8 bits; try: an .npy file of floats, values divided by 65535"
            )
        if image.format in SEQUENCES and (count := getattr(image, "n_frames", 1)) > 1:
            raise UserError(
                f"{name} holds {count} images; allowed: one in each file; try: an .npy file with all of them"
            )
        if orientation != UPRIGHT:
            image = ImageOps.exif_transpose(image)
        with_alpha = "A" in image.mode or "transparency" in image.info
        transparent = with_alpha and bool((np.asarray(image.convert("RGBA"))[..., 3] < 255).any())
        return Pixels(np.asarray(image.convert(mode)), image.mode not in GREY, transparent)


def _orientation(image: Image.Image, path: Path, root: Path) -> int:
    orientation = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    if image.format == "TIFF" and orientation != UPRIGHT:  # which Pillow turns itself, and not always rightly
        raise UserError(
            f"{path.relative_to(root)} has the orientation {orientation}; allowed in a TIFF: {UPRIGHT}, upright pixels; "
            "try: save it as PNG"
        )
    return orientation


def _has_more_bits(image: Image.Image) -> bool:
    # Pillow has no mode for 16 bits in colour, or beside transparency, and keeps the upper 8: only the raw mode says so.
    if image.format not in ("PNG", "TIFF", "PPM"):
        return False
    modes = [tile[3] if isinstance(tile[3], tuple) else (tile[3],) for tile in getattr(image, "tile", ())]
    return any(
        (isinstance(part, str) and ";16" in part) or (image.format == "PPM" and isinstance(part, int) and part > 255)
        for parts in modes
        for part in parts
    )


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
