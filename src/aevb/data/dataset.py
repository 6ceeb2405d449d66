"""The base class of the data sets.

A data set has three splits, which are NumPy arrays in memory. Torch is not needed to read them. The axes
are N images and D = rows x columns pixels, or D = rows x columns x 3 in colour.
"""

import hashlib
import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from aevb.data.target_convention import TargetConvention

__all__ = ["Dataset", "ImageShape", "LoadedData", "Split", "Splits"]

ImageShape = tuple[int, int] | tuple[int, int, int]
"""(rows, columns) of an image, or (rows, columns, 3) of one in colour."""


class Split(NamedTuple):
    """One split of a data set.

    Attributes:
        x: The targets of the likelihood, (N, D) float32; for a `dynamic` data set the probabilities of
            Bernoulli variables.
        label: The class of each image, (N,) int64; zeros if the data set has no labels.
    """

    x: np.ndarray
    label: np.ndarray

    def first(self, count: int | None) -> "Split":
        """Return the first images of the split.

        Args:
            count: Number of images; None: all.

        Returns:
            The split of these images.
        """
        return Split(self.x[:count], self.label[:count])


class Splits(NamedTuple):
    """The three splits of a data set.

    Attributes:
        train: The training set.
        valid: The validation set, which may be empty.
        test: The test set.
    """

    train: Split
    valid: Split
    test: Split

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 hash of the targets of each split.

        Returns:
            The hexadecimal hashes by the name of the split.
        """
        return {
            name: hashlib.sha256(np.ascontiguousarray(split.x).data).hexdigest()
            for name, split in self._asdict().items()
        }


class Dataset(ABC):
    """A data set and its conventions.

    Attributes:
        name: The name of the data set in run names.
        shape: (rows, columns) of an image, in pixels; (rows, columns, 3) in colour. The pixels of a target lie in this
            order, so the three colours of a pixel are beside each other.
        convention: What the targets are and how they were made, shown with every result.
        unit_interval: Whether every target lies in [0, 1], which a Bernoulli likelihood requires. It is read
            from the class body, without importing it, when a config is checked. A data set that knows it
            only after it has read its files leaves True in the class body and assigns `self.unit_interval`;
            the decoder is then checked when the data are loaded.
        own: Whether the data are a user's own files, which are described and checked before anything is trained.
        labelled: Whether the images have labels, which a conditional model needs. It is read from the class body as
            well; data of a user's own are asked after they were read.
        validation: Whether there is a validation split, read from the class body too; True also where only the files of a
            user know, which are asked after they were read.
        description: What the data were taken for, in one line; empty for published data sets.
    """

    name: str
    shape: ImageShape
    convention: TargetConvention
    unit_interval: bool = True
    own: bool = False
    labelled: bool = False
    validation: bool = True
    description: str = ""

    @property
    def dim(self) -> int:
        """The number of values of an image, D: its pixels, or three times as many in colour."""
        return math.prod(self.shape)

    @property
    def dynamic(self) -> bool:
        """Whether x holds probabilities, from which binary pixels are sampled every time an image is used."""
        return self.convention.kind == "dynamic"

    @abstractmethod
    def load(self) -> Splits:
        """Read and verify the data, and download them if they are missing and the data set allows it.

        Returns:
            The three splits.

        Raises:
            UserError: If the data are missing or damaged.
        """

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 hash of the targets of each split, for the manifest of a run.

        Returns:
            The hexadecimal hashes by the name of the split.

        Raises:
            UserError: If the data are missing or damaged.
        """
        return self.load().hashes()


class LoadedData(NamedTuple):
    """A data set that has been read.

    Attributes:
        dataset: The data set.
        splits: Its data.
        rows: What the model is trained on: `splits`, of a conditional model with the labels behind the pixels.
        hashes: The SHA-256 hash of each split of `rows`.
        classes: Number of classes for a conditional model, else None.
    """

    dataset: Dataset
    splits: Splits
    rows: Splits
    hashes: dict[str, str]
    classes: int | None
