"""A grid of small images, grey or in colour, in one picture."""

import math

import numpy as np

__all__ = ["grey_levels", "image_grid"]


def grey_levels(images: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Scale images to levels between black, 0, and white, 1; each colour of colour images by itself.

    Args:
        images: Images of any shape, in the units of the data.
        data: The data. If they lie in [0, 1], the images are only clipped to [0, 1]; otherwise black and
            white are min(0, minimum of the data) and max(1, maximum of the data).

    Returns:
        Levels in [0, 1], float32, of the same shape as `images`.
    """
    low, high = min(0.0, float(data.min())), max(1.0, float(data.max()))
    return np.clip((images - low) / (high - low), 0, 1).astype(np.float32)


def image_grid(
    images: np.ndarray,
    columns: int | None = None,
    gap: int = 0,
    *,
    border: int = 0,
    fill: float = 0.75,
    width: int = 56,
) -> np.ndarray:
    """Arrange images row by row in one picture.

    Args:
        images: Levels, (n, height, width), or (n, height, width, 3) in colour.
        columns: Number of images in a row; None: chosen so that the picture is about square.
        gap: Width of the gap between two images, in pixels of the picture.
        border: Width of the border around all images, in pixels of the picture.
        fill: Grey level of the gaps, the border and the unused cells.
        width: Approximate width of an image in the picture, in pixels; images are enlarged by an integer
            factor.

    Returns:
        The picture, (height, width) or (height, width, 3), with the dtype of `images`.
    """
    factor = max(1, round(width / images.shape[2]))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    n, h, w = images.shape[:3]
    if columns is None:
        columns = min(n, max(1, round(math.sqrt(n * (h + gap) / (w + gap)))))
    rows = -(-n // columns)
    size = tuple(count * (pixels + gap) - gap + 2 * border for count, pixels in ((rows, h), (columns, w)))
    picture = np.full((*size, *images.shape[3:]), fill, dtype=images.dtype)
    for index, image in enumerate(images):
        top, left = (
            cell * (pixels + gap) + border for cell, pixels in zip(divmod(index, columns), (h, w), strict=True)
        )
        picture[top : top + h, left : left + w] = image
    return picture
