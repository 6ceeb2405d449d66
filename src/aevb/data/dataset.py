"""What every data set gives: three splits of vectors in memory, read without torch.

Axes: N images, D = rows x columns pixels.
"""

import hashlib
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

__all__ = ["Dataset", "Split", "Splits"]


class Split(NamedTuple):
    """One part of a data set.

    x: (N, D) float32, the targets of the likelihood (or, for a `dynamic` data set, Bernoulli probabilities).
    label: (N,) int64, class of each image; zeros where a data set has none.
    """

    x: np.ndarray
    label: np.ndarray

    def first(self, count: int | None) -> "Split":
        """The first `count` images; all of them for None."""
        return Split(self.x[:count], self.label[:count])


class Splits(NamedTuple):
    """Training, validation and test part; `valid` may be empty."""

    train: Split
    valid: Split
    test: Split

    def hashes(self) -> dict[str, str]:
        """sha256 of every split's targets."""
        return {
            name: hashlib.sha256(np.ascontiguousarray(split.x).data).hexdigest()
            for name, split in self._asdict().items()
        }


class Dataset(ABC):
    """A data set and its conventions.

    name: used in run names. shape: (rows, columns) of an image. dynamic: x holds probabilities that are drawn
    anew at every presentation. convention: one line that names targets and scaling wherever a number is shown.
    unit_interval: every target lies in [0, 1], as a Bernoulli likelihood needs.
    """

    name: str
    shape: tuple[int, int]
    convention: str
    dynamic: bool = False
    unit_interval: bool = True

    @property
    def dim(self) -> int:
        """D, pixels of an image."""
        return self.shape[0] * self.shape[1]

    @abstractmethod
    def load(self) -> Splits:
        """Reads and verifies the data (downloading where the data set can); raises UserError."""

    def hashes(self) -> dict[str, str]:
        """sha256 of every split's targets as they are used, for manifests."""
        return self.load().hashes()
