r"""Drawn shapes: 10,000 grey images of a rectangle, a circle or a triangle each, white on black. Nothing is downloaded.

Image i of a seed is a function of (seed, i) alone: eight raw 64-bit numbers of Philox from place 8 i on, whose stream no
version of numpy changes. Kind, centre, radius, orientation and side ratio are uniform; the circle around a shape lies in the
image. A pixel is 1/2 - d, cut to [0, 1] and rounded to a byte, d its signed distance from the outline in pixels: an edge of
one pixel's width.

    circle      d = |p| - r
    rectangle   d = max(|u| - a, |v| - b),   b / a the side ratio, a^2 + b^2 = r^2
    triangle    d = max_k (p . n_k) - r / 2,   n_k the normals of an equilateral triangle's sides

p: from the centre; u, v: the same along the rectangle's sides; r: the circumradius.
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
RADII = (0.18, 0.36)  # of the image's side
RATIOS = (0.4, 1.0)
LEVELS = 255
NUMBERS = 8  # of the generator for an image
BLOCK = 1000


class Outline(NamedTuple):
    """Shapes, each field (n,). kind: a place in KINDS. row, column: the centre, in pixels from the corner of the image.
    radius: of the circle around it, pixels. angle: of a side (rectangle) or a corner (triangle), radians. ratio: of a
    rectangle's sides."""

    kind: np.ndarray
    row: np.ndarray
    column: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    ratio: np.ndarray


def outlines(seed: int, first: int, count: int, side: int) -> Outline:
    """Shapes first .. first + count - 1 of a seed, in images of side x side pixels."""
    philox = np.random.Philox(key=np.array([seed, 0], dtype=np.uint64))
    philox.advance(first * NUMBERS // 4)  # four numbers a step
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
    """Grey images in [0, 1], (n, side, side) float64, of which a pixel's centre is half a pixel from its corner."""
    kind, row, column, radius, angle, ratio = (field[:, None, None] for field in outline)
    place = np.arange(side) + 0.5
    y, x = place[None, :, None] - row, place[None, None, :] - column
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    a = radius / np.sqrt(1 + ratio**2)
    # The normal opposite to the corner at angle 0, and its turns by a third; |v| stands for the two of them.
    triangle = np.maximum(-u, 0.5 * u + np.sqrt(0.75) * np.abs(v)) - radius / 2
    distance = np.select(
        [kind == RECTANGLE, kind == CIRCLE],
        [np.maximum(np.abs(u) - a, np.abs(v) - ratio * a), np.hypot(x, y) - radius],
        triangle,
    )
    return np.clip(0.5 - distance, 0, 1)


class Shapes(Dataset):
    """9,000 images to train, the next 1,000 to test, no validation part; labels are places in KINDS.

    side: pixels of a side. n_train: the first of the 9,000; the test set stays. seed: of the drawing.
    """

    name = "shapes"

    def __init__(
        self,
        targets: Literal["grey", "dynamic", "threshold"] = "grey",
        side: PositiveInt = 28,
        n_train: PositiveInt = N_TRAIN,
        seed: Seed = 0,
    ) -> None:
        checks.one_of("targets", targets, ("grey", "dynamic", "threshold"))
        checks.between("side", side, *SIDES, "pixels in which three kinds can be told apart, and drawn in seconds")
        checks.between("n_train", n_train, 1, N_TRAIN, "the other 1000 of 10000 shapes are the test set")
        self.targets, self.n_train, self.seed = targets, n_train, seed
        self.shape = (side, side)
        self.dynamic = targets == "dynamic"
        self.convention = convention(targets, LEVELS)

    def load(self) -> Splits:
        train, test = self._part(0, self.n_train), self._part(N_TRAIN, N_TEST)
        return Splits(train, train.first(0), test)

    def _part(self, first: int, count: int) -> Split:
        side = self.shape[0]
        outline = outlines(self.seed, first, count, side)
        blocks = [Outline(*(field[i : i + BLOCK] for field in outline)) for i in range(0, count, BLOCK)]
        levels = np.concatenate([np.rint(LEVELS * draw(block, side)).astype(np.uint8) for block in blocks])
        return Split(as_targets(levels.reshape(count, -1), self.targets, LEVELS), outline.kind)
