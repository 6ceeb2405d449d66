r"""A recognition rule for shapes without training: the best shape, fitted by moments, must cover the image.

For an image y >= 0 with mass A = sum y, and w = (column + i row) relative to the centre of mass, one
shape of each kind of aevb.data.shapes is fitted:

    circle      r = sqrt(A / pi)
    rectangle   sides proportional to the square roots of the eigenvalues of the covariance, in the
                direction arg E[w^2] / 2 or, since that direction is undefined for squares,
                (arg E[w^4] - pi) / 4;  area A
    triangle    corner in the direction arg E[w^3] / 3;  area A

    overlap = sum min(y, t) / sum max(y, t),   t the drawn shape

The overlap is the intersection over union, for grey images. The kind is that with the largest overlap,
and the image is recognisable if this overlap is at least THRESHOLD. Grey blurs fail because t is white
inside; irregular shapes, rings and pairs of shapes also fail.
"""

from typing import NamedTuple

import numpy as np

from aevb.data.shapes import CIRCLE, RECTANGLE, TRIANGLE, Outline, draw

__all__ = ["THRESHOLD", "ShapeFit", "fit"]

THRESHOLD = 0.85
EPS = 1e-12


class ShapeFit(NamedTuple):
    """The best shape of each image.

    Attributes:
        kind: Kind of the best shape, an index into KINDS, (n,).
        overlap: Overlap with the best shape, in [0, 1], (n,).
    """

    kind: np.ndarray
    overlap: np.ndarray

    @property
    def recognisable(self) -> np.ndarray:
        """Whether the overlap is at least THRESHOLD, (n,) bool."""
        return self.overlap >= THRESHOLD


def fit(images: np.ndarray) -> ShapeFit:
    """Fit the best shape to each image.

    Args:
        images: Images, (n, side, side); the values are clipped to [0, 1].

    Returns:
        The best shape of each image.
    """
    y = np.clip(images.astype(np.float64), 0, 1)
    n, side, _ = y.shape
    pixel = np.arange(side) + 0.5
    mass = y.sum((1, 2)) + EPS
    row, column = (y * pixel[:, None]).sum((1, 2)) / mass, (y * pixel).sum((1, 2)) / mass
    w = (pixel[None, None, :] - column[:, None, None]) + 1j * (pixel[None, :, None] - row[:, None, None])

    def moment(power: int) -> np.ndarray:
        return (y * w**power).sum((1, 2)) / mass

    spread, axis = (y * np.abs(w) ** 2).sum((1, 2)) / mass, moment(2)
    long, short = spread + np.abs(axis), np.maximum(spread - np.abs(axis), 0)
    ratio = np.sqrt(short / (long + EPS)).clip(0.05, 1)
    zero = np.zeros(n)

    def shape(kind: int, radius: np.ndarray, angle: np.ndarray = zero) -> np.ndarray:
        return draw(Outline(np.full(n, kind), row, column, radius, angle, ratio), side)

    # Areas: pi r^2;  4 a b = 4 r^2 ratio / (1 + ratio^2);  3 sqrt 3 / 4 r^2.
    of_rectangle = np.sqrt(mass * (1 + ratio**2) / (4 * ratio))
    candidates = {
        (RECTANGLE, 0): shape(RECTANGLE, of_rectangle, np.angle(axis) / 2),
        (RECTANGLE, 1): shape(RECTANGLE, of_rectangle, (np.angle(moment(4)) - np.pi) / 4),
        (CIRCLE, 0): shape(CIRCLE, np.sqrt(mass / np.pi)),
        (TRIANGLE, 0): shape(TRIANGLE, np.sqrt(mass * 4 / np.sqrt(27)), np.angle(moment(3)) / 3),
    }
    overlaps = np.stack([_overlap(y, drawn) for drawn in candidates.values()])
    best = overlaps.argmax(0)
    return ShapeFit(np.array([kind for kind, _ in candidates])[best], overlaps.max(0))


def _overlap(y: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return np.minimum(y, drawn).sum((1, 2)) / (np.maximum(y, drawn).sum((1, 2)) + EPS)
