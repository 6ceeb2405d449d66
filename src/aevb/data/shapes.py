r"""Generated shapes: 10,000 grey images of a rectangle, a circle or a triangle, white on black.

The images are generated, so there is no download. Image i depends only on (seed, i): it uses the eight raw
64-bit numbers of Philox that start at position 8 i. This stream is the same in every version of NumPy.
Kind, centre, radius, orientation and side ratio are uniform, and the circumscribed circle of a shape lies
in the image. A pixel has the grey level 1/2 - d, clipped to [0, 1] and rounded to a byte, where d is its
signed distance from the outline in pixels. An edge is therefore one pixel wide.

    circle      d = |p| - r
    rectangle   d = max(|u| - a, |v| - b),   b / a the side ratio, a^2 + b^2 = r^2
    triangle    d = max_k (p . n_k) - r / 2,   n_k the normals of the sides of an equilateral triangle

p is the position of the pixel relative to the centre, (u, v) are the components of p along the sides of
the rectangle, and r is the circumradius.
"""

from typing import Literal, NamedTuple

import numpy as np

from aevb.data import checks
from aevb.data.binarisation import as_targets, convention
from aevb.data.dataset import Dataset, Split, Splits
from aevb.types import PositiveInt, Seed

__all__ = ["KINDS", "Outline", "Shapes", "draw", "outlines"]

KINDS = ("rectangle", "circle", "triangle")
RECTANGLE, CIRCLE, TRIANGLE = range(3)

N_TRAIN, N_TEST = 9000, 1000
SIDES = (8, 64)
RADII = (0.18, 0.36)  # as a fraction of the side of the image
RATIOS = (0.4, 1.0)
LEVELS = 255
NUMBERS = 8  # numbers of the generator per image
BLOCK = 1000


class Outline(NamedTuple):
    """The outlines of n shapes; each field is an array (n,).

    Attributes:
        kind: Index into KINDS.
        row: Vertical position of the centre, in pixels from the upper left corner of the image.
        column: Horizontal position of the centre, in pixels from the upper left corner of the image.
        radius: Circumradius, in pixels.
        angle: Direction of a side (rectangle) or of a corner (triangle), in radians.
        ratio: Ratio of the sides of a rectangle.
    """

    kind: np.ndarray
    row: np.ndarray
    column: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    ratio: np.ndarray


def outlines(seed: int, first: int, count: int, side: int) -> Outline:
    """Sample the outlines of shapes first, ..., first + count - 1.

    Args:
        seed: Seed of the generator.
        first: Index of the first shape.
        count: Number of shapes.
        side: Side of an image, in pixels.

    Returns:
        The outlines, each field (count,).
    """
    philox = np.random.Philox(key=np.array([seed, 0], dtype=np.uint64))
    philox.advance(first * NUMBERS // 4)  # each step gives four numbers
    uniform = (philox.random_raw(count * NUMBERS).reshape(count, NUMBERS) >> np.uint64(11)) * 2.0**-53
    radius = side * (RADII[0] + (RADII[1] - RADII[0]) * uniform[:, 1])
    return Outline(
        kind=(uniform[:, 0] * len(KINDS)).astype(np.int64),
        row=radius + (side - 2 * radius) * uniform[:, 2],
        column=radius + (side - 2 * radius) * uniform[:, 3],
        radius=radius,
        angle=2 * np.pi * uniform[:, 4],
        ratio=RATIOS[0] + (RATIOS[1] - RATIOS[0]) * uniform[:, 5],
    )


def draw(outline: Outline, side: int) -> np.ndarray:
    """Draw shapes as grey images.

    The centre of the first pixel is at (0.5, 0.5).

    Args:
        outline: The outlines of n shapes.
        side: Side of an image, in pixels.

    Returns:
        Grey levels in [0, 1], (n, side, side) float64.
    """
    kind, row, column, radius, angle, ratio = (field[:, None, None] for field in outline)
    pixel = np.arange(side) + 0.5
    y, x = pixel[None, :, None] - row, pixel[None, None, :] - column
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    a = radius / np.sqrt(1 + ratio**2)
    # The normal opposite to the corner at angle 0, and its rotations by 120 degrees; |v| covers both of them.
    triangle = np.maximum(-u, 0.5 * u + np.sqrt(0.75) * np.abs(v)) - radius / 2
    distance = np.select(
        [kind == RECTANGLE, kind == CIRCLE],
        [np.maximum(np.abs(u) - a, np.abs(v) - ratio * a), np.hypot(x, y) - radius],
        triangle,
    )
    return np.clip(0.5 - distance, 0, 1)


class Shapes(Dataset):
    """Generated shapes: 9,000 training images, the next 1,000 as test images and no validation set.

    The label of an image is the index of its kind in KINDS.

    Args:
        targets: The kind of the targets (see aevb.data.binarisation).
        side: Side of an image, in pixels.
        n_train: Number of training images, taken from the start of the 9,000; the test set does not change.
        seed: Seed of the generator.

    Raises:
        UserError: If an argument is not allowed.
    """

    name = "shapes"
    labelled = True
    validation = False

    def __init__(
        self,
        targets: Literal["grey", "dynamic", "threshold"] = "grey",
        side: PositiveInt = 28,
        n_train: PositiveInt = N_TRAIN,
        seed: Seed = 0,
    ) -> None:
        checks.one_of("targets", targets, ("grey", "dynamic", "threshold"))
        checks.between("side", side, *SIDES, "pixels in which three kinds can be distinguished, and drawn in seconds")
        checks.between("n_train", n_train, 1, N_TRAIN, "the other 1000 of 10000 shapes are the test set")
        self.targets, self.n_train, self.seed = targets, n_train, seed
        self.shape = (side, side)
        self.convention = convention(targets, LEVELS)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        train, test = self._part(0, self.n_train), self._part(N_TRAIN, N_TEST)
        return Splits(train, train.first(0), test)

    def _part(self, first: int, count: int) -> Split:
        side = self.shape[0]
        outline = outlines(self.seed, first, count, side)
        blocks = [Outline(*(field[i : i + BLOCK] for field in outline)) for i in range(0, count, BLOCK)]
        levels = np.concatenate([np.rint(LEVELS * draw(block, side)).astype(np.uint8) for block in blocks])
        return Split(as_targets(levels.reshape(count, -1), self.targets, LEVELS), outline.kind)
